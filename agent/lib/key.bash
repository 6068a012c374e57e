# One key, from its source to the hooks: `clawpulse-agent key PROVIDER FINGERPRINT`, which the agent runs as a process of its own. A key goes
# through variables, pipes and files for their owner alone; never onto a command line or into an environment.

KEY=''        # the key, as long as this process lives
KEY_HOW=taken # or `away`: trying again soon may help, or `refused`
KEY_WHY=''

# key PROVIDER FINGERPRINT: brings it into force; run/key.result tells how it went. The token and the role come on stdin: where they stand in the
# agent's environment, it does not pass them on.
cmd_key() {
  key_alone
  hooks_open
  read -r 'CFG[TOKEN]' && read -r 'CFG[VAULT_ROLE_ID]' || die 'key: the agent runs this'
  key_lock "$1" || return 0
  mkdir -p -- "$KEYS"
  key_take "$1" "$2" || :
  rm -f -- "$RUN/key.lock"
  write_file "$RUN/key.result" "$1 $2 $KEY_HOW $KEY_WHY"$'\n'
  # The fleet hears of it now, not with the next heartbeat. Opened for both, a pipe that nobody reads does not block.
  [[ ! -p $RUN/control ]] || printf 'flush key\n' 1<>"$RUN/control"
}

# A variable of ours with the name of an exported one would be in the environment of what we start: nothing stays exported but what curl needs.
key_alone() {
  local name
  for name in $(compgen -e); do
    case $name in
      PATH | HOME | LC_ALL | CLAWPULSE_* | *_proxy | *_PROXY | SSL_CERT_* | CURL_*) ;;
      *) export -n "${name?}" ;;
    esac
  done
}

# key_lock PROVIDER: one at a time, also when an agent was killed and the next one has begun.
key_lock() {
  local pid='' birth=''
  { read -r pid birth _ <"$RUN/key.lock"; } 2>/dev/null || :
  if [[ -n $birth ]] && process_stat "$pid" && [[ $REPLY == "$birth" ]]; then return 1; fi
  process_stat $$
  write_file "$RUN/key.lock" "$$ $REPLY $1"$'\n'
}

# key_take PROVIDER FINGERPRINT
key_take() {
  local file=$KEYS/$1
  hooks_hide "$file"
  if [[ -e $file && $(key_print "${2%-*}" "$file") == "$2" ]]; then
    # It is, but hooks were interrupted in taking another one.
    key_hooks "$1" "$file" || return 1
    rm -f -- "$file".new{,.used} "$file.trial"
    return 0
  fi
  key_fetch "$1" "$2" || return 1
  key_write "$file.new" || { key_failed away "$KEYS cannot be written to: is the disk full?"; return 1; }
  rm -f -- "$file.new.used"
  if key_hooks "$1" "$file.new"; then
    key_switch "$file"
  else
    key_back "$1"
    return 1
  fi
}

# key_failed HOW WHY
key_failed() {
  KEY_HOW=$1 KEY_WHY=$2
}

# key_fetch PROVIDER FINGERPRINT: sets KEY to the key that has it.
key_fetch() {
  "key_from_${CFG[KEY_SOURCE]}" "$1" "$2" || return 1
  key_fits "$2" || { key_failed away 'what came is not the key that was named'; return 1; }
  HOOK_HIDDEN+=("$KEY")
}

# key_fits FINGERPRINT: whether KEY can be a key, and is the one.
key_fits() {
  [[ -n $KEY && $KEY != *[![:graph:]]* ]] && ((${#KEY} <= 512)) && [[ $(key_print "${1%-*}" <(printf '%s' "$KEY")) == "$1" ]]
}

# From the agent's own API, by its token.
key_from_api() {
  key_ask "${CFG[URL]}/v1/keys/$1?agent=${CFG[AGENT]}" "${CFG[CACERT]}" "header = \"Authorization: Bearer ${CFG[TOKEN]}\""
  case $STATUS in
    200)
      KEY=$BODY
      return 0
      ;;
    401 | 403) key_failed refused "${CFG[URL]} does not give it to this token, which needs the scope keys ($REASON)" ;;
    404 | 408 | 425 | 429 | 5?? | 0) key_failed away "${CFG[URL]} does not give it now (${REASON:-no answer})" ;;
    *) key_failed refused "${CFG[URL]} does not give it ($REASON)" ;;
  esac
  return 1
}

# key_ask URL CERTIFICATES LINES: sets STATUS (0: none), BODY and REASON. What is secret in the lines, curl reads from a pipe.
key_ask() {
  local text lines=$'silent\nshow-error\nhttp1.1\nmax-filesize = 65536\nwrite-out = "\\n@@ %{http_code} ."\n'
  lines+="max-time = ${CFG[TIMEOUT_SECONDS]}"$'\n'"user-agent = \"clawpulse-agent/$VERSION\""$'\n'${2:+"cacert = \"$2\""}$'\n'$3
  text=$(curl -q -K - "$1" 2>&1 < <(printf '%s\n' "$lines")) || :
  answer_parse "$text"
  redact "$REASON"
  REASON=$REPLY
}

# key_write FILE: the key, readable to a group only where the directory gives its files to one.
key_write() {
  local mask=077
  [[ ! -g $KEYS ]] || mask=037
  rm -f -- "$1"
  (umask "$mask" && printf '%s\n' "$KEY" >"$1") 2>/dev/null && sync "$1"
}

# key_hooks PROVIDER FILE
key_hooks() {
  local how=refused
  hooks_run key "$1" "$2" && return 0
  ((HOOK_CODE != HOOK_LATER)) || how=away
  key_failed "$how" "$REPLY"
  return 1
}

# key_switch FILE: what hooks have taken is in force.
key_switch() {
  mv -f -- "$1.new" "$1" && sync "$KEYS" || { key_failed away "$1 cannot be written"; return 1; }
  mv -f -- "$1.new.used" "$1.used" 2>/dev/null || rm -f -- "$1.used"
  rm -f -- "$1.trial"
}

# key_back PROVIDER: has the hooks take the old key again. Where one does not, PROVIDER.new stays, so that it is tried again.
key_back() {
  local file=$KEYS/$1
  if [[ -e $file ]] && ! hooks_run key "$1" "$file"; then
    KEY_WHY="${KEY_WHY:0:110}; and going back: $REPLY"
  else
    rm -f -- "$file".new{,.used} "$file.trial"
  fi
}
