# Usage: clawpulse-agent hooks WORD
# Runs the hooks by hand, as the agent does: with `config` and the document in force, with `key PROVIDER` and the key in force, or with
# `start`, `reload`, `again` or `stop`.
#
# Hooks are executables in hooks.d, run in order as `HOOK config PATH`, `HOOK start` and so on. They get a clean environment without
# the token, no input, and CLAWPULSE_HOOK_SECONDS; what they print goes to the agent's log. The agent runs them as a process of their
# own: they may take their time, and its memory is not theirs.

HOOK_LATER=75 # exit code of a hook that could not try: the agent does, later
HOOK_OUTPUT=2 # where what they print goes
declare -a HOOK_HIDDEN=() # keys that hooks are given: what they say is told without them

cmd_hooks() {
  hooks_open
  case ${1-} in
    config) hooks_run config "$DESIRED/desired.json" || die "hook $REPLY" ;;
    key) hooks_key "${2-}" ;;
    start | reload | again | stop) hooks_run "$1" || die "hook $REPLY" ;;
    *) die 'hooks: config, key PROVIDER, start, reload, again or stop' ;;
  esac
}

hooks_key() {
  [[ -s $KEYS/$1 && $1 != *[!a-z0-9-]* ]] || die "hooks key: there is no key of '$1' in $KEYS"
  hooks_hide "$KEYS/$1"
  hooks_run key "$1" "$KEYS/$1" || die "hook $REPLY"
}

# hooks_hide [FILE]: from now on what hooks print is not logged, and what they say is told without the key in a file.
hooks_hide() {
  local +x key=''
  exec 7>/dev/null
  HOOK_OUTPUT=7
  { IFS= read -r key <"${1-/dev/null}"; } 2>/dev/null || :
  HOOK_HIDDEN+=("${key%"${key##*[![:space:]]}"}")
}

# apply FILE: has them take the document in force; if one does not, the one before is put back. FILE tells how it went: `applied`, or the
# reason, after `later` if trying again may help.
cmd_apply() {
  local text=applied later=''
  hooks_open
  if ! hooks_run config "$DESIRED/desired.json"; then
    text=$REPLY
    ((HOOK_CODE != HOOK_LATER)) || later='later '
    hooks_back
  fi
  write_file "$1" "$later$text"
}

hooks_open() {
  umask 077
  settings_places
  settings_load || die "no usable settings: see $CONFIG_FILE"
  mkdir -p -- "$RUN"
}

# hooks_run WORD [NAME] [PATH]: runs all; at the first one that fails, REPLY says which and why: its first line of stderr. HOOK_CODE is its
# exit code.
hooks_run() {
  local hook code text secret errors=$RUN/hook.$BASHPID
  for hook in "$HOOKS"/*; do
    [[ -f $hook && -x $hook ]] || continue
    code=0 text=''
    hooks_one "$hook" "$@" 1>&"$HOOK_OUTPUT" 2>"$errors" || code=$?
    ((code)) || continue
    IFS= read -r text <"$errors" || :
    ((code != 124 && code != 143)) || text="no end after ${CFG[HOOK_SECONDS]} s${text:+: $text}"
    rm -f -- "$errors"
    for secret in "${HOOK_HIDDEN[@]-}"; do [[ -z $secret ]] || text=${text//"$secret"/[redacted]}; done
    redact "${hook##*/}: ${text:-exit code $code}"
    REPLY=${REPLY:0:250} HOOK_CODE=$code
    return 1
  done
  rm -f -- "$errors"
}

hooks_one() {
  local seconds=$(((CFG[HOOK_MS] + 999) / 1000))
  env -i PATH="$PATH" HOME="${HOME:-/}" CLAWPULSE_HOME="$HOME_DIR" CLAWPULSE_AGENT="${CFG[AGENT]}" CLAWPULSE_URL="${CFG[URL]}" \
    CLAWPULSE_CONFIG="$CONFIG_FILE" CLAWPULSE_HOOKS="$HOOKS" CLAWPULSE_HOOK_SECONDS="$seconds" timeout -k 5 "$seconds" "$@" </dev/null 9>&-
}

# Puts the previous document back, and has the hooks take it again.
hooks_back() {
  cp -- "$DESIRED/desired.json" "$DESIRED/failed.json"
  if [[ -e $DESIRED/previous.json ]]; then
    cp -- "$DESIRED/previous.json" "$DESIRED/previous.new" && mv -f -- "$DESIRED/previous.new" "$DESIRED/desired.json"
    hooks_run config "$DESIRED/desired.json" || text+="; and the previous one: $REPLY"
  else
    rm -f -- "$DESIRED/desired.json"
  fi
}
