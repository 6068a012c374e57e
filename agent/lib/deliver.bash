# Delivery: the newest batch first, so that the fleet sees this host as it is; then what has waited, oldest first.

FAILURES=0    # tries in a row that failed
NEXT_TRY=0    # uptime before which none is made
HELD=0        # likewise, because the server asked for it
DELIVERED=0   # batches since the start
LAST_ANSWER='' # clock at the last good answer
WANTED=''     # hash of the desired configuration, as the last answer had it
SKEW=''       # the server's clock minus ours, once known
DAY=86400000

# deliver TIMEOUT_MS MS: sends what is in the spool for about MS. Fails, and sets NEXT_TRY, when something has to wait.
deliver() {
  local until=$((UPTIME + $2)) newest=$((NEXT - 1))
  [[ -z ${QUEUE[newest]-} ]] || deliver_newest "$newest" "$1" || return 1
  while ((${#QUEUE[@]})); do
    deliver_old
    uptime_ms
    ((${#QUEUE[@]} && UPTIME < until)) || return 0
    deliver_many || return 1
  done
}

# deliver_newest INDEX TIMEOUT_MS: alone, with all that the answer says.
deliver_newest() {
  local name=${QUEUE[$1]%% *} code=0 text
  ms_to_seconds "$2"
  text=$(curl -q -K "$RUN/curl.${name##*.}" --max-time "$REPLY" --data-binary "@$SPOOL/$name" 2>&1) || code=$?
  answer_parse "$text"
  ! curl_doubt_certificates "$code" || REASON+='; next with the whole bundle of certificates'
  deliver_settle "$1"
}

# Up to MANY of the oldest through one connection; stops at the first fault.
deliver_many() {
  local i name text rest
  local -a operands=() indexes=()
  curl_many
  for i in "${!QUEUE[@]}"; do
    ((${#indexes[@]} < MANY)) || break
    name=${QUEUE[i]%% *}
    ((${#indexes[@]} == 0)) || operands+=(--next)
    operands+=(-K "$RUN/curl.${name##*.}" --no-include --fail --data-binary "@$SPOOL/$name")
    indexes+=("$i")
  done
  ((MANY == 1)) || operands=(--fail-early "${operands[@]}")
  rest=$(curl -q "${operands[@]}" 2>/dev/null) || :
  for i in "${indexes[@]}"; do
    text=${rest%%$'\n@@ '*}
    answer_parse "${rest:0:${#text}+9}"
    rest=${rest:${#text}+9}
    deliver_settle "$i" || return 1
  done
}

# deliver_settle INDEX: does with the batch what the answer asks for; fails when it has to wait.
deliver_settle() {
  random_below 1000
  judge "$STATUS" "$RETRY_AFTER" "$FAILURES" "$REPLY"
  case $ACTION in
    delivered)
      spool_done "$1"
      deliver_over
      answer_heed
      ;;
    drop)
      deliver_over
      tell refused "the server refused a batch ($REASON); clawpulse.dropped counts its points"
      spool_drop "$1"
      ;;
    retry)
      deliver_failed
      return 1
      ;;
  esac
}

deliver_over() {
  [[ -z ${TOLD[delivery]-} ]] || log "delivering to ${CFG[URL]} again"
  untell delivery
  FAILURES=0 NEXT_TRY=0 DELIVERED=$((DELIVERED + 1)) LAST_ANSWER=$NOW
}

# The same trouble is told once, not once a minute.
deliver_failed() {
  FAILURES=$((FAILURES + 1))
  uptime_ms
  NEXT_TRY=$((UPTIME + DELAY))
  [[ -z $RETRY_AFTER ]] || HELD=$NEXT_TRY
  case $STATUS in
    401 | 403) tell delivery "${CFG[URL]} does not let this token write ($REASON); the data is kept and tried again each minute" ;;
    404 | 405 | 407 | 3??)
      tell delivery "${CFG[URL]} is not the API or a proxy is in between ($REASON); set CLAWPULSE_URL to where it is. The data is kept"
      ;;
    *) [[ -n ${TOLD[delivery]-} ]] || tell delivery "cannot deliver to ${CFG[URL]} (${REASON:-no answer}); the data is kept and tried again" ;;
  esac
}

# Gives up batches that the server would reject point by point. Only when its answers show that the clock here can be trusted.
deliver_old() {
  local i
  [[ -n $SKEW ]] && ((SKEW > -600000 && SKEW < 600000)) || return 0
  for i in "${!QUEUE[@]}"; do
    spool_field "$i" 5
    ((NOW - REPLY > DAY)) || return 0
    tell old 'batches have waited for more than 24 hours and are dropped; clawpulse.dropped counts their points'
    spool_drop "$i" || return 0
  done
}

# deliver_unspooled LINES: a heartbeat past the disk, while that is full. Nobody keeps it when it does not arrive.
deliver_unspooled() {
  local batches=1 text
  new_epoch
  text=$(printf '%s\n' "$1" "" | EPOCH=$REPLY SEQ=0 DROPPED=0 REJECTED=0 intake_awk n=0 skip=0 -) || return 0
  text=${text#*$'\n'}
  text=$(printf '%s' "${text%%$'\n'*}" | curl -q -K "$RUN/curl.j" --data-binary @- 2>&1) || :
  answer_parse "$text"
}
