# What the server's answers mean. `judge` is the table in sdk/WIRE.md.

MAX_RETRY_AFTER=300000

# judge STATUS RETRY_AFTER FAILURES CHANCE: sets ACTION to delivered, drop or retry, and DELAY to ms before the next try.
# RETRY_AFTER is in seconds or empty, FAILURES counts earlier ones in a row, CHANCE is 0 to 999; RETRY_MS comes from CFG.
judge() {
  local status=$1 after=$2 failures=$3 chance=$4 most=${CFG[RETRY_MS]} base
  ACTION=retry DELAY=0
  case $status in
    2??) ACTION=delivered ;;
    401 | 403 | 404 | 405 | 407 | 3??) DELAY=$((most / 2 + most * chance / 2000)) ;;
    408 | 425 | 429 | 5?? | 0)
      base=$((failures < 16 ? 1000 << failures : most))
      DELAY=$(((base < most ? base : most) * chance / 1000))
      if [[ -n $after ]]; then
        DELAY=$((10#$after * 1000 < MAX_RETRY_AFTER ? 10#$after * 1000 : MAX_RETRY_AFTER))
        DELAY=$((DELAY + DELAY * chance / 10000))
      fi
      ;;
    *) ACTION=drop ;;
  esac
}

# answer_parse TEXT: sets STATUS (0: none), BODY, RETRY_AFTER and REASON from what curl printed.
answer_parse() {
  local text=$1 head=''
  STATUS=0 BODY='' RETRY_AFTER='' REASON=''
  [[ ! $text =~ 'curl: ('([0-9]+)') '([^$'\n']*) ]] || REASON=${BASH_REMATCH[2]:0:200}
  [[ $text == *$'\n@@ '[1-9][0-9][0-9]' .'* ]] || return 0
  BODY=${text%$'\n@@ '*}
  STATUS=${text:${#BODY}+4:3}
  if [[ $BODY == HTTP/* ]]; then
    head=${BODY%%$'\r\n\r\n'*}
    BODY=${BODY:${#head}+4}
    answer_retry_after "$head"
  fi
  answer_reason
}

# Sets RETRY_AFTER to seconds, if the head says some; dates are left out.
answer_retry_after() {
  [[ $STATUS != 2* && $1 =~ $'\n'[Rr][Ee][Tt][Rr][Yy]-[Aa][Ff][Tt][Ee][Rr]:[[:space:]]*([0-9]+)[[:space:]] ]] || return 0
  RETRY_AFTER=${BASH_REMATCH[1]:0:9}
}

# What went wrong, in the server's words if it had any.
answer_reason() {
  [[ $STATUS != 2* ]] || return 0
  REASON="status $STATUS"
  [[ ! $BODY =~ \"detail\"[[:space:]]*:[[:space:]]*\"(([^\"\\]|\\.)*)\" ]] || REASON+=": ${BASH_REMATCH[1]:0:200}"
  REASON=${REASON//[^[:print:]]/ }
}

# json_word NAME: REPLY is a number, text or null that BODY has under that name; fails when it has none. Texts that may hold commas
# need more than this, and no name of ours stands inside of a text: its quotes would be escaped there.
json_word() {
  [[ $BODY == *"\"$1\":"* ]] || return 1
  REPLY=${BODY#*"\"$1\":"}
  REPLY=${REPLY# }
  REPLY=${REPLY%%[],\}]*}
}

json_number() {
  json_word "$1" && [[ -n $REPLY && $REPLY != *[!0-9]* ]] && ((${#REPLY} < 16))
}

# Takes notice of what a good answer says about points, clocks, configuration and keys; BODY is its JSON.
answer_heed() {
  WANTED='' WANTED_KEYS=''
  if json_number rejectedCount && ((REPLY > 0)); then
    REJECTED=$((REJECTED + REPLY))
    journal_append J "$REPLY" || :
    [[ ! $BODY =~ \"reason\"[[:space:]]*:[[:space:]]*\"(([^\"\\]|\\.)*)\" ]] ||
      tell rejected "the server rejected a point: ${BASH_REMATCH[1]:0:200}; clawpulse.rejected counts"
  fi
  if json_word tag; then
    tell limited "tag $REPLY has too many values: the rest counts as __other__"
  fi
  if json_number time; then
    now_ms
    SKEW=$((REPLY - NOW))
    ((SKEW > -60000 && SKEW < 60000)) || tell clock "this host's clock is more than a minute from the server's"
  fi
  if json_word desired && [[ $REPLY == \"?*\" && $REPLY != *[!A-Za-z0-9._:\"-]* ]]; then
    WANTED=${REPLY//\"/}
    WANTED=${WANTED:0:64}
  fi
  if json_word desiredKeys && [[ $REPLY == \"?*\" && $REPLY != *[!a-z0-9\"=\ -]* ]]; then
    WANTED_KEYS=${REPLY//\"/}
  fi
}
