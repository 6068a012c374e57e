# Usage: clawpulse-agent status
# Tells whether the agent runs and delivers, what waits, which configuration it has, and which keys, by their fingerprints. Exit code 1: it does not run; 2: it cannot deliver.

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
  status_keys
  now_ms
  status_value last
  [[ -z $REPLY ]] || { age=$(((NOW - REPLY) / 1000)) && printf '%-10s %s s ago\n' delivered "$age"; }
}

status_keys() {
  local line print wanted error
  while IFS= read -r line; do
    [[ $line == key.* ]] || continue
    read -r print wanted error <<<"${line#*=}"
    [[ $wanted != "$print" && $wanted != - ]] || wanted=''
    line=${line#key.}
    printf '%-10s %s %s%s%s\n' key "${line%%=*}" "$print" "${wanted:+, desired $wanted}" "${error:+: $error}"
  done 2>/dev/null <"$RUN/status" || :
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
