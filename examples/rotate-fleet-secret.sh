#!/usr/bin/env bash
# Usage: rotate-fleet-secret.sh [--key-fd N] PROVIDER [OPTION]...
#
# Puts a new API key of PROVIDER into force on a whole fleet, waits for the outcome, and says it by its exit code. The new key is read from
# standard input, or from file descriptor N; OPTIONs are those of `clawpulse rotate`, such as --wave-size 10 or --tags tier=fast.
#
#     rotate-fleet-secret.sh anthropic < new-key                       from a file
#     rotate-fleet-secret.sh anthropic                                 typed, not shown
#     rotate-fleet-secret.sh --key-fd 3 anthropic 3< <(vault kv get -field=key secret/new/anthropic)
#
# Where the API is and who you are: CLAWPULSE_URL and CLAWPULSE_TOKEN (a token with the scope `operate`).
#
# Exit codes: 0 every agent uses the new key and the old one is revoked; 1 refused or taken back: every agent uses the old key; 2 wrong
# usage; 3 the API cannot be reached; 4 it waits for a person; 130 or 143 interrupted: the rotation goes on without us.
#
# What it guards against, for scripts that walk over a fleet by themselves have all of this wrong sooner or later:
#   - the script, its host or its network dies half-way: ClawPulse rotates, not this script, which only starts and watches;
#   - a counter that is unset under `set -u`, a failure that a pipe hides, a loop that ends early: there is no loop here;
#   - production before staging because `prod` comes first in the alphabet: environments follow an order that is spelt out (policy `order`);
#   - a last wave that is smaller than the others and that nobody looks at: each wave has its gate, the last one too;
#   - an old key that stays valid for ever: it is revoked once it is proven unused;
#   - a new key that is wrong: it is tried before any agent hears of it;
#   - the key in `ps`, in the environment, in a trace, in a temporary file or in the shell's memory: it goes from the descriptor to
#     `clawpulse` and from there over TLS into Vault;
#   - Ctrl-C that leaves the fleet on two keys: it asks whether the agents shall go back, and else the rotation goes on.

set -euo pipefail
set +x

readonly NAME=${0##*/}
readonly USAGE=2 INTERRUPTED=130 TERMINATED=143
rotation='' watcher=''

main() {
  local fd=0
  if [[ ${1-} == --key-fd ]]; then
    fd=${2-}
    shift $(($# < 2 ? $# : 2))
    [[ $fd =~ ^[0-9]+$ && -e /dev/fd/$fd ]] || fail "$USAGE" "--key-fd wants the number of an open file descriptor"
  fi
  [[ ${1-} =~ ^[a-z][a-z0-9-]{0,31}$ ]] || fail "$USAGE" "say whose key: $NAME [--key-fd N] PROVIDER [OPTION]... < new-key"
  command -v clawpulse > /dev/null || fail 1 "the command clawpulse is missing: pip install 'clawpulse[cli]'"

  trap 'interrupted "$INTERRUPTED"' INT
  trap 'interrupted "$TERMINATED"' TERM
  start "$fd" "$@"
  watch
}

# Start the rotation; its id is the first word of what is printed.
start() {
  local fd=$1 told code=0
  shift
  told=$(clawpulse rotate start "$@" --new-key-from stdin --detach <&"$fd") || code=$?
  ((code == 0)) || fail "$code" "nothing was started"
  rotation=${told%% *}
  say "$told"
}

# Follow it to its end, or until it waits for a person; gives the exit code. In the background, for a trap runs at once only then.
watch() {
  local code=0
  set -m
  clawpulse rotate status "$rotation" --watch --until-held < /dev/null &
  watcher=$!
  set +m
  wait "$watcher" || code=$?
  watcher=''
  case $code in
    0) say "$rotation: done: every agent uses the new key" ;;
    4) say "$rotation: waits for a person: clawpulse rotate status $rotation; then resume or abort" ;;
    *) say "$rotation: not done (exit code $code): clawpulse rotate status $rotation" ;;
  esac
  return "$code"
}

# What Ctrl-C means is asked at the terminal; without one the rotation goes on.
interrupted() {
  local code=$1 answer=''
  trap '' INT TERM
  leave
  if [[ -z $rotation ]]; then
    fail "$code" "interrupted while it was being started: clawpulse rotate status tells whether it was"
  fi
  if { : > /dev/tty; } 2> /dev/null; then
    printf '\n%s: abort %s, so that every agent goes back to the old key? [y/N] ' "$NAME" "$rotation" > /dev/tty
    read -r answer < /dev/tty || answer=''
  fi
  if [[ $answer == [yY]* ]]; then
    clawpulse rotate abort "$rotation" --comment "interrupted by ${USER:-the user of $NAME}" || fail 1 "it could not be aborted"
    trap 'leave; fail "$INTERRUPTED" "$rotation goes back without us"' INT TERM
    watch || exit "$?"
    exit 0
  fi
  fail "$code" "$rotation goes on: clawpulse rotate status $rotation --watch"
}

# Stop watching.
leave() {
  if [[ -n $watcher ]]; then
    kill -INT "$watcher" 2> /dev/null || true
    wait "$watcher" || true
  fi
}

say() { printf '%s: %s\n' "$NAME" "$1" >&2; }

fail() {
  say "$2"
  exit "$1"
}

main "$@"
