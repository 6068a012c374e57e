# Usage: clawpulse-agent flush [SECONDS]
# Has all that is recorded delivered, waits up to 10 s for that. Works without a running agent, too. Exit code 1: something still waits.

cmd_flush() {
  local seconds=${1:-10} word=$$.$RANDOM most
  to_ms "$seconds" || die "flush: '$seconds' is no number of seconds"
  most=$REPLY
  settings_places
  if flush_ask "$word"; then
    flush_wait "$word" "$most" || die 'no answer from the agent in time'
  else
    run_open
    trap run_close EXIT
    FLUSH=$word
    run_cycle "$most" "$most"
  fi
  flush_result
}

# flush_ask WORD: tells a running agent; fails when there is none.
flush_ask() {
  local pid=''
  { read -r pid _ <"$RUN/lock"; } 2>/dev/null || return 1
  [[ -d /proc/$pid && -p $RUN/control ]] || return 1
  printf 'flush %s\n' "$1" >"$RUN/control"
}

# flush_wait WORD MS
flush_wait() {
  local seen=''
  uptime_ms
  local until=$((UPTIME + $2))
  while ((UPTIME < until)); do
    { read -r seen <"$RUN/flushed"; } 2>/dev/null || :
    [[ $seen != "$1" ]] || return 0
    sleep 0.1
    uptime_ms
  done
  return 1
}

flush_result() {
  local waiting
  status_value waiting
  waiting=${REPLY:-0}
  ((waiting == 0)) || die "batches that still wait: $waiting"
}
