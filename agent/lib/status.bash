# Usage: clawpulse-agent status
# Tells whether the agent runs and delivers, what waits, and which configuration it has. Exit code 1: it does not run; 2: it cannot deliver.

cmd_status() {
  local pid='' birth=''
  settings_places
  { read -r pid birth <"$RUN/lock"; } 2>/dev/null || :
  if [[ -z $birth ]] || ! process_stat "$pid" || [[ $REPLY != "$birth" ]]; then
    printf 'not running (%s)\n' "$HOME_DIR"
    return 1
  fi
  printf 'running as process %s in %s\n' "$pid" "$HOME_DIR"
  status_print
  status_value reason
  [[ -z $REPLY ]] || return 2
}

status_print() {
  local name age
  for name in agent url waiting bytes reason desired written applied error; do
    status_value "$name"
    [[ -z $REPLY ]] || printf '%-10s %s\n' "$name" "$REPLY"
  done
  now_ms
  status_value last
  [[ -z $REPLY ]] || { age=$(((NOW - REPLY) / 1000)) && printf '%-10s %s s ago\n' delivered "$age"; }
}

# status_value NAME: REPLY is what run/status has.
status_value() {
  local line
  REPLY=''
  [[ -r $RUN/status ]] || return 0
  while IFS= read -r line; do
    if [[ $line == "$1="* ]]; then
      REPLY=${line#*=}
      return 0
    fi
  done <"$RUN/status"
}
