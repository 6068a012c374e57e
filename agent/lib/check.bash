# Usage: clawpulse-agent check
# Checks settings, tools, rights and, by asking the server, the token. Changes nothing. Exit code 1: something has to be mended.

CHECK_FAILED=0

cmd_check() {
  settings_places
  check_tools
  if settings_load; then
    check_good "settings: $CONFIG_FILE, agent ${CFG[AGENT]}"
    check_secret
    check_folders
    check_server
    check_keys
  else
    check_bad 'settings'
  fi
  return "$CHECK_FAILED"
}

check_good() {
  printf 'ok    %s\n' "$1"
}

check_bad() {
  printf 'FAIL  %s\n' "$1"
  CHECK_FAILED=1
}

check_tools() {
  local tool missing=''
  for tool in curl awk gzip mkfifo mv rm sync stat df dd tail head sha256sum timeout; do
    have "$tool" || missing+=" $tool"
  done
  if [[ -z $missing ]]; then check_good "tools, bash $BASH_VERSION"; else check_bad "tools that are missing:$missing"; fi
}

# A file with a token is for its owner alone.
check_secret() {
  local file mode
  for file in "$CONFIG_FILE" "${CFG[TOKEN_FILE]}" "${CFG[VAULT_SECRET_ID_FILE]}" "${CFG[OPENCLAW_ENV]:-${CONFIG_FILE%/*}/openclaw.env}"; do
    [[ -f $file ]] || continue
    mode=$(stat -L -c %a -- "$file")
    [[ $mode == *00 ]] || check_bad "$file has mode $mode, others can read what is secret in it: chmod 600"
  done
}

check_folders() {
  if [[ -d $HOME_DIR && -w $HOME_DIR ]]; then check_good "state: $HOME_DIR"; else check_bad "state: $HOME_DIR is not there or cannot be written"; fi
}

# Asks for the configuration: a question that changes nothing and that only a good token gets an answer to.
check_server() {
  local status
  [[ -n ${CFG[TOKEN]} ]] || check_bad 'token: none is set'
  status=$(check_ask 2>/dev/null) || :
  case $status in
    200 | 204 | 304 | 404) check_good "server: ${CFG[URL]} takes the token" ;;
    401 | 403) check_bad "server: ${CFG[URL]} does not take the token (status $status)" ;;
    000 | '') check_bad "server: no answer from ${CFG[URL]}" ;;
    *) check_bad "server: ${CFG[URL]} answers with status $status" ;;
  esac
}

# The token goes through a pipe.
check_ask() {
  curl -q -s -o /dev/null -w '%{http_code}' --max-time "${CFG[TIMEOUT_SECONDS]}" ${CFG[CACERT]:+--cacert "${CFG[CACERT]}"} -K - \
    "${CFG[URL]}/v1/config?agent=${CFG[AGENT]}" < <(printf 'header = "Authorization: Bearer %s"\n' "${CFG[TOKEN]}")
}

# Asks the source of keys for one of each provider, and looks at those that are here. Where none is assigned yet, that is no fault.
check_keys() {
  local provider file mode
  key_alone
  for provider in ${CFG[KEYS]//,/ }; do
    KEY_HOW=taken KEY_WHY='' KEY='' VAULT_TOKEN='' STATUS=0
    "key_from_${CFG[KEY_SOURCE]}" "$provider" 00000000-0000000000000000 || :
    if [[ $KEY_HOW == refused || $STATUS != @(200|404) ]]; then
      check_bad "key of $provider: $KEY_WHY"
    else
      check_good "key of $provider: ${CFG[KEY_SOURCE]} answers"
    fi
    file=$KEYS/$provider
    [[ -f $file ]] || continue
    mode=$(stat -c %a -- "$file")
    [[ $mode == *[04]0 ]] || check_bad "$file has mode $mode, others can read it: chmod 600"
  done
}
