# Usage: clawpulse-agent run
# Watches this host and delivers, until it is ended. systemd starts this; `kill -HUP` reads settings and token again,
# SIGTERM delivers what is there once more and ends. Exit code 1: settings that cannot be used, or another agent runs already.

RELOAD=''
STOP=''
FLUSH=''      # word of whom waits for a delivery
UNRECORDED='' # lines of the last look

cmd_run() {
  trap 'RELOAD=1; run_wake' HUP
  trap 'STOP=1; run_wake' TERM INT
  run_open
  # Not needed again: what it leaves is room for what grows.
  unset -f run_open run_lock journal_read journal_apply journal_apply_batch spool_open intake_open desired_open keys_open
  trap run_close EXIT
  "$SELF" hooks start 9>&- &
  notify READY=1
  run_loop
  run_cycle "${CFG[EXIT_MS]}" "${CFG[EXIT_MS]}"
  "$SELF" hooks stop || :
}

# Ends a pause at once.
run_wake() {
  { printf '\n' >&9; } 2>/dev/null || :
}

run_open() {
  umask 077
  settings_places
  settings_load || die "no usable settings: see $CONFIG_FILE"
  mkdir -p -- "$HOME_DIR" "$TAKEN" "$SPOOL" "$RUN" "$DESIRED" "$KEYS"
  run_lock
  uptime_ms
  now_ms
  new_epoch
  EPOCH=$REPLY
  journal_read
  spool_open
  intake_open
  journal_compact || tell disk 'the disk is full: the journal stays as it is'
  desired_open
  keys_open
  run_apply_settings
  rm -f -- "$RUN/control"
  mkfifo -m 600 "$RUN/control"
  exec 9<>"$RUN/control"
  log "version $VERSION, agent ${CFG[AGENT]}, batches that wait: ${#QUEUE[@]}"
}

# What depends on settings.
run_apply_settings() {
  [[ ${CFG[URL]} != http:* || ${CFG[URL]} =~ ^http://(localhost|127\.0\.0\.1|\[::1\])[:/] ]] ||
    tell open "the token travels unencrypted to ${CFG[URL]}: use https"
  curl_configure || :
  logs_open
  openclaw_reset
}

# One agent a directory. A lock whose process is gone, or another one by now, is taken over.
run_lock() {
  local pid='' birth=''
  process_stat $$ || die 'there is no /proc'
  if ! (set -C && printf '%s %s\n' $$ "$REPLY" >"$RUN/lock") 2>/dev/null; then
    read -r pid birth <"$RUN/lock" || :
    if [[ -n $birth ]] && process_stat "$pid" && [[ $REPLY == "$birth" ]]; then
      die "an agent runs already in $HOME_DIR (process $pid)"
    fi
    process_stat $$
    write_file "$RUN/lock" "$$ $REPLY"$'\n'
  fi
}

run_close() {
  spool_sweep 1
  rm -f -- "$RUN/lock" "$RUN/control"
}

run_loop() {
  local next=0
  while [[ -z $STOP ]]; do
    if [[ -n $RELOAD ]]; then run_reload; fi
    uptime_ms
    if ((UPTIME >= next)) || [[ -n $FLUSH ]]; then
      # Beats keep their rhythm; those that were missed are left out.
      next=$((next + CFG[HEARTBEAT_MS] > UPTIME ? next + CFG[HEARTBEAT_MS] : UPTIME + CFG[HEARTBEAT_MS]))
      run_cycle "${CFG[TIMEOUT_MS]}" $((CFG[HEARTBEAT_MS] * 4 / 5))
    fi
    run_wait "$next"
  done
}

# run_wait UPTIME: sleeps until then, or until somebody writes to run/control: `flush WORD`, or an empty line after a signal.
run_wait() {
  local word='' rest=''
  uptime_ms
  (($1 > UPTIME)) && [[ -z $STOP$RELOAD$FLUSH ]] || return 0
  ms_to_seconds $(($1 - UPTIME))
  read -r -t "$REPLY" word rest <&9 || :
  [[ $word != flush ]] || FLUSH=$rest
}

# run_cycle TIMEOUT_MS MS: looks, records, and delivers unless a pause is on.
run_cycle() {
  local flush=$FLUSH
  FLUSH=''
  now_ms
  uptime_ms
  desired_poll
  keys_poll
  desired_later
  desired_again
  keys_report
  host_sample
  openclaw_sample
  logs_scan
  record_flush || :
  if [[ -n $flush$STOP ]] || ((UPTIME >= NEXT_TRY)); then run_deliver "$1" "$2"; fi
  run_housekeeping
  [[ -z $flush ]] || { printf '%s\n' "$flush" >"$RUN/flushed"; } 2>/dev/null || :
}

run_deliver() {
  if ! intake_cut; then
    tell disk "nothing can be written below $HOME_DIR: is the disk full? What is there is kept"
    deliver_unspooled "$UNRECORDED"
  elif [[ -n ${TOLD[disk]-} ]]; then
    log 'there is room on the disk again'
    untell disk
    curl_configure || :
  fi
  spool_bound
  # What the server asked for holds for everybody, at a stop, too.
  ((UPTIME >= HELD)) || return 0
  deliver "$1" "$2" || :
  desired_check
  keys_check
}

# Appends what was looked up to the intake. UNRECORDED has it when the disk is full.
record_flush() {
  local lines=$GAUGES line
  GAUGES='' UNRECORDED=$lines
  [[ -n $lines ]] || return 0
  # Only what is short is one write(), and only then no other writer gets between.
  while ((${#lines} >= 4000)); do
    line=${lines%%$'\n'*}
    lines=${lines:${#line}+1}
    intake_record "$line" || return 1
  done
  intake_record "$lines" || return 1
  UNRECORDED=''
}

run_housekeeping() {
  spool_sweep 32
  ((JOURNAL_RECORDS < 2000)) || journal_compact || :
  notify_watchdog
  run_status
}

# What `clawpulse-agent status` reads. Written over in place, always as long: to cut a file and fill it again makes some file systems
# write it to the disk at once.
run_status() {
  local text provider
  printf -v text 'pid=%s\nagent=%s\nurl=%s\nwaiting=%s\nbytes=%s\nreason=%s\ndelivered=%s\nlast=%s\ndesired=%s\nwritten=%s\napplied=%s\nerror=%s\n' \
    $$ "${CFG[AGENT]}" "${CFG[URL]}" "${#QUEUE[@]}" "$SPOOL_SIZE" "${TOLD[delivery]-}" "$DELIVERED" "$LAST_ANSWER" "$WANTED" "$WRITTEN" \
    "$APPLIED" "$APPLY_ERROR"
  for provider in ${CFG[KEYS]//,/ }; do
    text+="key.$provider=${KEY_PRINT[$provider]:--} ${KEY_TRIED[$provider]:--} ${KEY_ERROR[$provider]-}"$'\n'
  done
  { printf '%-5000s' "$text" 1<>"$RUN/status"; } 2>/dev/null || :
}

# New settings for what comes; what is recorded and spooled stays. With a fault in them, the old ones go on.
run_reload() {
  local agent=${CFG[AGENT]}
  RELOAD=''
  if settings_load; then
    log 'settings read again'
    if [[ ${CFG[AGENT]} != "$agent" ]]; then
      new_epoch
      EPOCH=$REPLY SEQ=0
    fi
    run_apply_settings
    desired_retry
    keys_reset
    NEXT_TRY=0 FLUSH=${FLUSH:-reload}
    "$SELF" hooks reload 9>&- &
  else
    log 'the settings have a fault: the old ones go on'
  fi
}
