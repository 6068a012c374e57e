# Words that every library uses. Functions that give something back leave it in REPLY or in the variables they name: no forks.

VERSION=0.1.0

log() {
  printf 'clawpulse-agent: %s\n' "$*" >&2 || :
}

die() {
  log "$*"
  exit 1
}

declare -A TOLD=()

# tell KIND TEXT: logs a trouble of a kind once, until `untell KIND`.
tell() {
  [[ ${TOLD[$1]-} == "$2" ]] || log "$2"
  TOLD[$1]=$2
}

untell() {
  unset "TOLD[$1]"
}

# Sets NOW to the host's clock, ms since 1970. It may jump: only times of points come from it.
now_ms() {
  local text=${EPOCHREALTIME-}
  if [[ -n $text ]]; then
    NOW=${text:0:${#text}-7}${text:${#text}-6:3}
  elif printf -v text '%(%s)T' -1 2>/dev/null && [[ $text != *[!0-9]* ]]; then
    NOW=${text}000
  else
    NOW=$(date +%s)000
  fi
}

# Sets UPTIME to ms since the host started. It never jumps: pauses and intervals come from it.
uptime_ms() {
  local text
  read -r text _ </proc/uptime
  UPTIME=$((10#${text/./} * 10))
}

# random_below N: REPLY is 0 to N-1.
random_below() {
  REPLY=$(($1 > 0 ? (RANDOM << 15 | RANDOM) % $1 : 0))
}

# new_epoch: REPLY is a random word from the system's randomness.
new_epoch() {
  read -r REPLY </proc/sys/kernel/random/uuid
  REPLY=${REPLY//-/}
  REPLY=${REPLY:0:12}
}

# to_ms SECONDS: REPLY is whole ms; fails for what is no number of seconds.
to_ms() {
  local whole=${1%%.*} fraction=''
  [[ $1 != *.* ]] || fraction=${1#*.}
  [[ -n $whole && $whole$fraction != *[!0-9]* ]] && ((${#whole} < 10)) || return 1
  fraction+=000
  REPLY=$((10#$whole * 1000 + 10#${fraction:0:3}))
}

# ms_to_seconds MS: REPLY is like 12.345.
ms_to_seconds() {
  printf -v REPLY '%d.%03d' $(($1 / 1000)) $(($1 % 1000))
}

# write_file PATH TEXT: replaces a file in one step; fails when the disk is full, and then leaves the old one.
write_file() {
  { printf '%s' "$2" >"$1.new"; } 2>/dev/null && mv -f -- "$1.new" "$1"
}

have() {
  command -v "$1" >/dev/null 2>&1
}
