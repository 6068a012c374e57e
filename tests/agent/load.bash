# What every .bats file begins with: the agent's libraries, a state of its own, and what the agent logs in $LOGGED.
# shellcheck shell=bash

AGENT=$BATS_TEST_DIRNAME/../../agent
export LC_ALL=C

# use LIBRARY...: sources libraries as the entry point does.
use() {
  local name
  shopt -s nullglob
  for name in common "$@"; do
    # shellcheck source=/dev/null
    source "$AGENT/lib/$name.bash"
  done
  # What a file declares in a function is gone after it.
  declare -gA TOLD=() TAIL=() CFG=() KEY_SALT=() KEY_PRINT=() KEY_ERROR=() KEY_TRIED=() KEY_SINCE=() KEY_TRIES=() KEY_NEXT=()
  declare -ga USED=() QUEUE=() GARBAGE=() DRAINING=() UNREAD=() HOOK_HIDDEN=()
  HOME_DIR=$BATS_TEST_TMPDIR/state
  INTAKE=$HOME_DIR/intake TAKEN=$HOME_DIR/taken SPOOL=$HOME_DIR/spool RUN=$HOME_DIR/run DESIRED=$HOME_DIR/config KEYS=$HOME_DIR/keys
  JOURNAL=$HOME_DIR/journal CONFIG_FILE=$BATS_TEST_TMPDIR/agent.env HOOKS=$BATS_TEST_TMPDIR/hooks.d
  mkdir -p "$INTAKE" "$TAKEN" "$SPOOL" "$RUN" "$DESIRED" "$KEYS"
  LOGGED=$BATS_TEST_TMPDIR/logged
  : >"$LOGGED"
  log() { printf '%s\n' "$*" >>"$LOGGED"; }
}

# equal FOUND EXPECTED
equal() {
  [[ $1 == "$2" ]] || {
    printf 'found:    %q\nexpected: %q\n' "$1" "$2"
    return 1
  }
}
