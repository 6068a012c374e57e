# The intake: lines that anybody on this host appended to intake/lines become batches in the spool.
#
# Lines are read where they are; how many are used up stands in the journal, in the same record as the batch made of them. A file with
# a thousand used lines is taken: it is linked into taken/ and a fresh one is moved over its name, so that there always is one to
# append to. A writer may have opened it before and write to it after: it is read with the next batch, and once more when GRACE is over.

GRACE=30000
TAKE_LINES=1000
INTAKE_TORN='' # newline when the last line of ours may be half a one
declare -a DRAINING=() # by number of taken file: when it was taken
declare -a UNREAD=()   # those that were not read since

intake_open() {
  local file number
  [[ -d $INTAKE ]] || mkdir -p -- "$INTAKE"
  for file in "$TAKEN"/*; do
    number=${file##*/}
    [[ $number != *[!0-9]* ]] || continue
    if [[ $file -ef $INTAKE/lines ]]; then
      # Killed between the two steps of taking it: it is not taken.
      rm -f -- "$file"
      LIVE=$number
      continue
    fi
    ((LIVE > number)) || LIVE=$((number + 1))
    if ((${USED[number]:-0} < 0)); then
      # Killed between the record that it is used up and its removal.
      rm -f -- "$file"
      unset "USED[$number]"
    else
      DRAINING[number]=$UPTIME UNREAD[number]=1
    fi
  done
  intake_fresh || :
}

# Makes an empty file to append to. A sticky intake is for everybody: then everybody may append.
intake_empty() {
  local mask=077
  [[ ! -k $INTAKE ]] || mask=044
  (umask "$mask" && : >"$HOME_DIR/lines.new") 2>/dev/null || { tell intake "cannot write to $HOME_DIR"; return 1; }
}

# Makes sure that there is one. A writer may make it at the same moment, and its lines must not be written over: a link does not.
intake_fresh() {
  [[ ! -e $INTAKE/lines ]] || return 0
  intake_empty || return 1
  ln -- "$HOME_DIR/lines.new" "$INTAKE/lines" 2>/dev/null || [[ -e $INTAKE/lines ]] || { tell intake "cannot make $INTAKE/lines"; return 1; }
  rm -f -- "$HOME_DIR/lines.new"
}

# Takes the file that is appended to. While it has both names nothing is lost when the first one is given to another.
intake_take() {
  intake_empty || return 0
  if [[ $TAKEN/$LIVE -ef $INTAKE/lines ]] || ln -- "$INTAKE/lines" "$TAKEN/$LIVE" 2>/dev/null; then
    mv -f -- "$HOME_DIR/lines.new" "$INTAKE/lines" || return 0
  else
    # Somebody else's file cannot be linked.
    mv -- "$INTAKE/lines" "$TAKEN/$LIVE" || return 0
    intake_fresh || :
  fi
  DRAINING[LIVE]=$UPTIME UNREAD[LIVE]=1
  LIVE=$((LIVE + 1))
}

# intake_record LINES: the agent's own lines. The empty line at the end shows that the one before is whole.
intake_record() {
  if { printf '%s%s\n' "$INTAKE_TORN" "$1" >>"$INTAKE/lines"; } 2>/dev/null; then
    INTAKE_TORN=''
  else
    INTAKE_TORN=$'\n'
    return 1
  fi
}

# Makes batches of all whole lines, at least one (a heartbeat). Fails when the disk is full. A long file is done in several goes, and
# what takes longer than a heartbeat goes on with the next one.
intake_cut() {
  local batches=4 more='' started=$UPTIME number
  local -a last=() rest=()
  intake_dropped
  intake_finish || return 1
  while :; do
    intake_run || return 1
    [[ -n $more ]] || break
    uptime_ms
    ((UPTIME - started < CFG[HEARTBEAT_MS])) || return 0
    batches=16
  done
  for number in "${!last[@]}"; do
    unset "UNREAD[$number]"
    ((${rest[number]:-1} || started - DRAINING[number] < GRACE)) || intake_retire "$number" || return 1
  done
  ((${USED[LIVE]:-0} < TAKE_LINES)) || intake_take
}

# Ends the taken files that are to be read, so that their last lines are read, too; sets last.
intake_finish() {
  local number
  for number in "${!DRAINING[@]}"; do
    [[ -n ${UNREAD[number]-} ]] || ((UPTIME - DRAINING[number] >= GRACE)) || continue
    { printf '\n' >>"$TAKEN/$number"; } 2>/dev/null || return 1
    last[number]=1
  done
}

intake_run() {
  local number
  local -a operands=()
  more=''
  for number in "${!last[@]}"; do operands+=("n=$number" "skip=${USED[number]:-0}" "$TAKEN/$number"); done
  intake_fresh || return 1
  operands+=("n=$LIVE" "skip=${USED[LIVE]:-0}" "$INTAKE/lines")
  intake_batches "$(intake_awk "${operands[@]}")"
}

# intake_awk OPERANDS: takes the place of a subshell. The agent's own words go through the environment, where nothing changes them.
intake_awk() {
  local document=$WRITTEN
  # A document that is written, without any that was ever applied, is taken for one in force: so it is where there are no hooks.
  [[ -z $APPLYING || -n $APPLIED ]] || document=''
  CP_NOW=$NOW CP_SEQ=$SEQ CP_EPOCH=$EPOCH CP_DROPPED=$DROPPED CP_REJECTED=$REJECTED CP_BATCHES=$batches CP_AGENT=${CFG[AGENT]} \
    CP_NAME=${CFG[NAME]} CP_MODEL=${CFG[MODEL]} CP_HOST=$HOSTNAME CP_TAGS=${CFG[TAGS]} \
    CP_VERSIONS="clawpulse-agent=$VERSION${OPENCLAW_VERSION:+,openclaw=$OPENCLAW_VERSION}${CFG[VERSIONS]:+,${CFG[VERSIONS]}}" \
    CP_ATTRIBUTES="task_id,session_id,run_id,trace_id,span_id,request_id,${CFG[ATTRIBUTES]}" \
    CP_WRITTEN=$document CP_APPLIED=$APPLIED CP_ERROR=$APPLY_ERROR CP_KEYS=$KEYS_TOLD exec awk "$BATCH_AWK" "$@"
}

# intake_batches TEXT: puts what awk printed into the spool. Sets more when there are lines left, and rest.
intake_batches() {
  local text=$1 meta json
  local -a words
  while [[ -n $text ]]; do
    meta=${text%%$'\n'*}
    text=${text:${#meta}+1}
    # shellcheck disable=SC2206  # words on purpose; there are no wildcards
    words=($meta)
    if [[ ${words[0]} == end ]]; then
      intake_end "${words[@]:1}"
      return 0
    fi
    # By its length: bash takes many seconds to find the end of a long line.
    json=${text:0:words[0]}
    text=${text:words[0]+1}
    spool_put "$json" "${words[@]:1}" || return 1
    intake_used "${words[@]:4}"
  done
  log 'batches could not be made: awk failed'
  return 1
}

intake_used() {
  local used
  for used in "$@"; do USED[${used%:*}]=${used#*:}; done
}

# intake_end NUMBER:LINES:REST... [more]: a file with fewer lines than were used up is another one.
intake_end() {
  local seen number lines
  for seen in "$@"; do
    if [[ $seen == more ]]; then
      more=1
      continue
    fi
    number=${seen%%:*} lines=${seen#*:}
    rest[number]=${lines#*:} lines=${lines%:*}
    if ((lines < ${USED[number]:-0})); then
      log "$INTAKE/lines was replaced by somebody else; it is read from its beginning"
      LIVE=$((LIVE + 1))
    fi
  done
}

# intake_retire NUMBER: a taken file whose lines are all in the spool. Its record is on the disk before the file goes.
intake_retire() {
  journal_append R "$1" && sync "$JOURNAL" || return 1
  unset "USED[$1]" "DRAINING[$1]"
  rm -f -- "$TAKEN/$1"
}

# Counts what writers had to leave out because the intake was full: a byte a line.
intake_dropped() {
  local count
  [[ -s $INTAKE/dropped || -s $TAKEN/dropped ]] || return 0
  [[ -s $TAKEN/dropped ]] || mv -- "$INTAKE/dropped" "$TAKEN/dropped" || return 0
  count=$(wc -c <"$TAKEN/dropped")
  journal_append L $((count)) || return 0
  DROPPED=$((DROPPED + count))
  rm -f -- "$TAKEN/dropped"
}
