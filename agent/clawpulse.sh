# shellcheck shell=bash
# Source this file: `cp_metric` and `cp_event` hand points to the ClawPulse agent of this host.
#
#   cp_metric NAME VALUE [--tag KEY=VALUE]... [--time MS]
#   cp_event NAME [--tag KEY=VALUE]... [--payload JSON] [--time MS]
#
# A call appends one line to a file: no fork, no network. It returns 0 whatever happens; what is wrong with it stands on stderr
# and is counted in `clawpulse.invalid`. The agent checks names and values once more. Works under `set -eu`; bash 4.0 or newer.

_cp_calls=0   # since the intake's size was looked at
_cp_closed='' # the intake is full
_cp_lost=0    # lines that could not be written
_cp_missing='' # there is no intake, which was said

cp_metric() {
  _cp_record m "$@" || :
}

cp_event() {
  _cp_record e "$@" || :
}

# _cp_record KIND NAME ...: checks the arguments and writes the line.
_cp_record() {
  local kind=$1 name=${2-} value='' payload='' time='' tags='' fault=''
  shift
  (($# == 0)) || shift
  if [[ $kind == m ]]; then
    value=${1-}
    (($# == 0)) || shift
  fi
  _cp_options "$@"
  [[ $name == [A-Za-z_]* && $name != *[!A-Za-z0-9_./-]* && ${#name} -le 128 ]] || fault='is no name'
  [[ $kind == e ]] || _cp_is_number "$value" || fault=${fault:-"needs a number, not '${value:0:40}'"}
  [[ -n $time ]] || _cp_now
  if [[ -n $fault ]]; then
    _cp_invalid "${name:0:80}: $fault"
    return 0
  fi
  _cp_write "$kind"$'\t'"$time"$'\t'"$name"$'\t'"${value:-$payload}$tags"
}

# Reads the options into the variables of _cp_record. A fault of a tag costs the tag, not the point.
_cp_options() {
  while (($#)); do
    case $1 in
      --*=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;;
    esac
    case $1 in
      --tag) _cp_tag "${2-}" ;;
      --time) _cp_time "${2-}" ;;
      --payload)
        payload=${2-}
        payload=${payload//[[:cntrl:]]/ }
        ;;
      *)
        _cp_invalid "${name:0:80}: '${1:0:40}' is no option; there are --tag, --time, --payload"
        shift
        continue
        ;;
    esac
    shift
    (($# == 0)) || shift
  done
}

_cp_tag() {
  local key=${1%%=*} text=${1#*=}
  if [[ $1 != *=* || -z $text || $key != [A-Za-z_]* || $key == *[!A-Za-z0-9_.-]* || ${#key} -gt 64 ]]; then
    _cp_invalid "${name:0:80}: tag '${1:0:60}' left out, it is not like key=value"
  else
    [[ $text != *[[:cntrl:]]* ]] || text=${text//[[:cntrl:]]/ }
    tags+=$'\t'$key=$text
  fi
}

_cp_time() {
  if [[ -n $1 && ${#1} -le 14 && $1 != *[!0-9]* ]]; then
    time=$1
  else
    _cp_invalid "${name:0:80}: time '${1:0:40}' is not in ms since 1970, now is taken"
  fi
}

_cp_is_number() {
  local text=${1#[-+]} exponent
  if [[ $text == *[eE]* ]]; then
    exponent=${text#*[eE]}
    exponent=${exponent#[-+]}
    [[ -n $exponent && $exponent != *[!0-9]* ]] || return 1
    text=${text%%[eE]*}
  fi
  [[ $text == *[0-9]* && ${#text} -le 300 && ${text/./} != *[!0-9]* ]]
}

# Sets time to now in ms.
_cp_now() {
  time=${EPOCHREALTIME-}
  if [[ -n $time ]]; then
    time=${time:0:10}${time:11:3}
  elif printf -v time '%(%s)T000' -1 2>/dev/null && [[ $time != *[!0-9]* ]]; then
    :
  else
    time=$(date +%s)000
  fi
}

_cp_invalid() {
  local time
  printf 'clawpulse: %s\n' "$1" >&2 || :
  _cp_now
  _cp_write m$'\t'"$time"$'\tclawpulse.invalid\t1'
}

# The agent's directory: the user's own, else the system's if it takes lines from everybody.
_cp_find_home() {
  local own=${XDG_STATE_HOME:-${HOME:-/nonexistent}/.local/state}/clawpulse system=/var/lib/clawpulse
  if ((EUID == 0)) || [[ ! -d $own/intake && -w $system/intake/lines ]]; then
    own=$system
  fi
  _cp_home=${CLAWPULSE_HOME:-$own}
}

# _cp_write LINE: appends it, in one write() whatever else is written to the file at the same time.
_cp_write() {
  local line=$1 _cp_home
  _cp_find_home
  if [[ ! -d $_cp_home/intake ]] && ! (umask 077 && mkdir -p -- "$_cp_home/intake" 2>/dev/null); then
    [[ -n $_cp_missing ]] || printf 'clawpulse: nothing is recorded: there is no %s and it cannot be made\n' "$_cp_home/intake" >&2 || :
    _cp_missing=1
    return 0
  fi
  if ((${#line} > 1000)) && ! _cp_shorten; then
    return 0
  fi
  _cp_calls=$(((_cp_calls + 1) % 64))
  if ((_cp_calls == 1)); then
    _cp_look
  fi
  if [[ -n $_cp_closed ]]; then
    { printf . >>"$_cp_home/intake/dropped"; } 2>/dev/null || :
  else
    _cp_append "$line"
  fi
}

# Cuts what is longer than a line may be; only payloads and many tags get here.
_cp_shorten() {
  local LC_ALL=C
  ((${#line} > 4000)) || return 0
  printf 'clawpulse: a record of %d bytes left out, 4000 are possible\n' "${#line}" >&2 || :
  line=m$'\t'${time-0}$'\tclawpulse.invalid\t1'
}

# A writer that failed may have left half a line: the next one begins on a line of its own and tells how many were lost.
_cp_append() {
  local text=$1
  if ((_cp_lost)); then
    text=$'\n'm$'\t'${time-0}$'\tclawpulse.dropped\t'$_cp_lost$'\n'$text
  fi
  # Some builds of bash write what is longer than 1,008 bytes in several pieces.
  if ((${#text} <= 1000)); then
    { printf '%s\n' "$text" >>"$_cp_home/intake/lines"; } 2>/dev/null
  else
    { cat <<<"$text" >>"$_cp_home/intake/lines"; } 2>/dev/null
  fi && _cp_lost=0 && return 0
  ((_cp_lost)) || printf 'clawpulse: cannot write to %s\n' "$_cp_home/intake/lines" >&2 || :
  _cp_lost=$((_cp_lost + 1))
}

# Looks how long the file is: when no agent takes it for days, it must end somewhere. What is left out then is counted, a byte a line.
_cp_look() {
  local position=0
  _cp_closed=''
  { { printf '\n' && read -r _ position </proc/self/fdinfo/1; } >>"$_cp_home/intake/lines"; } 2>/dev/null || return 0
  [[ -z ${position//[0-9]/} ]] || return 0
  ((position <= ${CLAWPULSE_INTAKE_BYTES:-67108864})) || _cp_closed=1
}
