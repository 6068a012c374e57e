# Hooks: executables in hooks.d, run in order as `HOOK config PATH`, `HOOK start`, `HOOK reload` or `HOOK stop`. They get a clean
# environment without the token, no input, and CLAWPULSE_HOOK_SECONDS; what they print goes to the agent's log.

hooks_any() {
  local hook
  for hook in "$HOOKS"/*; do
    [[ ! -f $hook || ! -x $hook ]] || return 0
  done
  return 1
}

# hooks_run WORD [PATH]: runs all; at the first one that fails, REPLY says which and why: its first line of stderr.
hooks_run() {
  local hook code text errors=$RUN/hook.$BASHPID
  for hook in "$HOOKS"/*; do
    [[ -f $hook && -x $hook ]] || continue
    code=0 text=''
    hooks_one "$hook" "$@" >&2 2>"$errors" || code=$?
    ((code)) || continue
    IFS= read -r text <"$errors" || :
    ((code != 124 && code != 143)) || text="no end after ${CFG[HOOK_SECONDS]} s${text:+: $text}"
    rm -f -- "$errors"
    redact "${hook##*/}: ${text:-exit code $code}"
    REPLY=${REPLY:0:250}
    return 1
  done
  rm -f -- "$errors"
}

hooks_one() {
  env -i PATH="$PATH" HOME="${HOME:-/}" CLAWPULSE_HOME="$HOME_DIR" CLAWPULSE_AGENT="${CFG[AGENT]}" CLAWPULSE_URL="${CFG[URL]}" \
    timeout -k 5 "$(((CFG[HOOK_MS] + 999) / 1000))" "$@" </dev/null 9>&-
}

# hooks_tell WORD: a hook that fails is told, and changes nothing.
hooks_tell() {
  hooks_run "$1" || log "hook $REPLY"
}
