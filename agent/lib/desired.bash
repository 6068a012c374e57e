# The desired configuration: fetched when the server names another one than was written, written in one step, applied by the hooks.
#
# config/desired.json   the document in force          config/previous.json   the one before
# config/failed.json    one that a hook refused        config/state           written, applied, error, tries; one a line
# config/again          seconds: a hook that wants to be called again and again has left it
# Applying takes as long as hooks take, so it goes on beside the heartbeats; config/result.PID is how it ended.

WRITTEN=''     # hash of the last document that came
APPLIED=''     # hash of the last one that all hooks took
APPLY_ERROR=''
APPLYING=''    # process that runs the hooks
TRIES=0        # of a document that a hook could not even try; 0: no other try
NEXT_APPLY=0     # uptime of the next one
AGAIN_AT=0     # uptime of the next `hooks again`, and the process of the last one
AGAIN_PID=''

# Reads where things stood; hooks that a kill interrupted run again.
desired_open() {
  { IFS= read -r WRITTEN && IFS= read -r APPLIED && IFS= read -r APPLY_ERROR && IFS= read -r TRIES; } 2>/dev/null <"$DESIRED/state" || :
  [[ $TRIES =~ ^[0-9]{1,4}$ ]] || TRIES=0
  rm -f -- "$DESIRED"/result.*
  [[ -z $WRITTEN || $WRITTEN == "$APPLIED" || -n $APPLY_ERROR ]] || desired_apply
}

desired_save() {
  write_file "$DESIRED/state" "$WRITTEN"$'\n'"$APPLIED"$'\n'"$APPLY_ERROR"$'\n'"$TRIES"$'\n' || tell disk "cannot write to $DESIRED"
}

# Fetches what the last answer named, unless it is here or its hooks are at work.
desired_check() {
  [[ -n $WANTED && $WANTED != "$WRITTEN" ]] && ! desired_busy || return 0
  desired_fetch || return 0
  TRIES=0
  desired_write && desired_apply || :
}

# Hooks of one kind do not run beside those of the other.
desired_busy() {
  [[ -n $APPLYING$KEY_PROCESS ]] || { ((UPTIME < AGAIN_AT)) && [[ -n $AGAIN_PID && -d /proc/$AGAIN_PID ]]; }
}

# After a reload, hooks that failed get another chance: the document is fetched anew.
desired_retry() {
  [[ -z $APPLY_ERROR ]] || WRITTEN=''
}

# A document that a hook could not try, as its gateway was away, is tried again: after half of CLAWPULSE_RETRY_SECONDS, and after twice as
# long each time up to fifteen times them; 30 s to 15 min.
desired_later() {
  local hash
  ((TRIES)) && ((UPTIME >= NEXT_APPLY)) && ! desired_busy || return 0
  hash=$(sha256sum "$DESIRED/failed.json" 2>/dev/null) || :
  REPLY=$WRITTEN
  if [[ ${hash:0:32} == "$WRITTEN" ]] && cp -- "$DESIRED/failed.json" "$DESIRED/incoming" 2>/dev/null; then
    desired_write && desired_apply || :
  else
    # It is not here any more: it is fetched.
    WRITTEN='' TRIES=0
  fi
}

# Calls the hooks with `again` as often as one of them has asked for.
desired_again() {
  local seconds=''
  [[ -e $DESIRED/again ]] && ((UPTIME >= AGAIN_AT)) && ! desired_busy || return 0
  { read -r seconds <"$DESIRED/again"; } 2>/dev/null || :
  [[ $seconds =~ ^[1-9][0-9]{0,4}$ ]] || return 0
  AGAIN_AT=$((UPTIME + seconds * 1000))
  "$SELF" hooks again 9>&- &
  AGAIN_PID=$!
}

# Gets the document to config/incoming and REPLY to its hash.
desired_fetch() {
  local code hash
  code=$(curl -q -K "$RUN/curl.get" -H "If-None-Match: \"$WRITTEN\"" -o "$DESIRED/incoming" -w '%{http_code}' 2>/dev/null) || code=${code:-0}
  if [[ $code != 200 ]]; then
    [[ $code == 304 ]] || tell desired "the desired configuration cannot be fetched (status $code)"
    return 1
  fi
  hash=$(sha256sum "$DESIRED/incoming") || return 1
  REPLY=${hash:0:32}
  # It may be newer than what the answer named; then the next one names it.
  if [[ $REPLY != "$WANTED" ]]; then
    tell desired 'the desired configuration that came is not the one that was named; it is fetched again'
    return 1
  fi
  untell desired
}

# Puts config/incoming in force. What was in force becomes the previous one only if it is whole and was taken.
desired_write() {
  local hash=$REPLY now=''
  [[ ! -e $DESIRED/desired.json ]] || now=$(sha256sum "$DESIRED/desired.json")
  if [[ -n $now && ( ${now:0:32} == "$APPLIED" || ( -z $APPLIED && ${now:0:32} == "$WRITTEN" ) ) ]]; then
    cp -- "$DESIRED/desired.json" "$DESIRED/previous.new" && mv -f -- "$DESIRED/previous.new" "$DESIRED/previous.json" || :
  fi
  sync "$DESIRED/incoming" && mv -f -- "$DESIRED/incoming" "$DESIRED/desired.json" || return 1
  WRITTEN=$hash APPLY_ERROR=''
  log "desired configuration $WRITTEN written"
  desired_save
}

# Starts the hooks, in a process of their own. Without any, written is all that can be said.
desired_apply() {
  local hook
  for hook in "$HOOKS"/*; do
    [[ -f $hook && -x $hook ]] || continue
    "$SELF" apply "$DESIRED/result.$$" 9>&- &
    APPLYING=$!
    return 0
  done
}

# Takes notice of how the hooks ended.
desired_poll() {
  local result ended=''
  [[ -n $APPLYING ]] || return 0
  # Asked before the result: that may come any moment, and then the process is gone.
  [[ -d /proc/$APPLYING ]] || ended=1
  if [[ -e $DESIRED/result.$$ ]]; then
    IFS= read -r result <"$DESIRED/result.$$" || :
    if [[ $result == applied ]]; then
      APPLIED=$WRITTEN APPLY_ERROR='' TRIES=0
      log "desired configuration $APPLIED applied"
    else
      desired_refused "$result"
    fi
    APPLYING=''
    desired_save
    rm -f -- "$DESIRED/result.$$"
  elif [[ -n $ended ]]; then
    APPLYING='' APPLY_ERROR='the hooks ended without a result'
    desired_save
  fi
}

# desired_refused TEXT: what a hook said, after `later` if it is to be tried again.
desired_refused() {
  local pause=$((CFG[RETRY_MS] * 15))
  APPLY_ERROR=${1:0:250}
  if [[ $1 == 'later '* ]]; then
    ((TRIES > 4)) || pause=$((CFG[RETRY_MS] / 2 << TRIES))
    TRIES=$((TRIES + 1)) NEXT_APPLY=$((UPTIME + pause))
    APPLY_ERROR=${1#later }
    APPLY_ERROR="${APPLY_ERROR:0:220} (tried again in $((pause / 1000)) s)"
  else
    TRIES=0
  fi
  log "desired configuration $WRITTEN not applied: $APPLY_ERROR"
}
