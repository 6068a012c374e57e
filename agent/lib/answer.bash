# What the server's answers mean. `judge` is the table in sdk/WIRE.md.

MAX_RETRY_AFTER=300000

# judge STATUS RETRY_AFTER FAILURES CHANCE: sets ACTION to delivered, drop or retry, and DELAY to ms before the next try.
# RETRY_AFTER is in seconds or empty, FAILURES counts earlier ones in a row, CHANCE is 0 to 999; RETRY_MS comes from CFG.
judge() {
  local status=$1 after=$2 failures=$3 chance=$4 most=${CFG[RETRY_MS]} base
  ACTION=retry DELAY=0
  case $status in
    2??) ACTION=delivered ;;
    401 | 403 | 3??) DELAY=$((most / 2 + most * chance / 2000)) ;;
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
    [[ ! $head =~ $'\n'[Rr][Ee][Tt][Rr][Yy]-[Aa][Ff][Tt][Ee][Rr]:[[:space:]]*([0-9]{1,9})[[:space:]] ]] || RETRY_AFTER=${BASH_REMATCH[1]}
  fi
  answer_reason
}

# What went wrong, in the server's words if it had any.
answer_reason() {
  [[ $STATUS != 2* ]] || return 0
  REASON="status $STATUS"
  [[ ! $BODY =~ \"detail\"[[:space:]]*:[[:space:]]*\"(([^\"\\]|\\.)*)\" ]] || REASON+=": ${BASH_REMATCH[1]:0:200}"
  REASON=${REASON//[^[:print:]]/ }
}

# Takes notice of what a good answer says about points, clocks and configuration; BODY is its JSON.
answer_heed() {
  if [[ $BODY =~ \"rejectedCount\"[[:space:]]*:[[:space:]]*([1-9][0-9]{0,6}) ]]; then
    REJECTED=$((REJECTED + BASH_REMATCH[1]))
    journal_append J "${BASH_REMATCH[1]}" || :
    [[ ! $BODY =~ \"reason\"[[:space:]]*:[[:space:]]*\"(([^\"\\]|\\.)*)\" ]] ||
      tell rejected "the server rejected a point: ${BASH_REMATCH[1]:0:200}; clawpulse.rejected counts"
  fi
  if [[ $BODY =~ \"limited\"[[:space:]]*:[[:space:]]*\[[[:space:]]*\{[^\}]*\"tag\"[[:space:]]*:[[:space:]]*\"([^\"\\]*)\" ]]; then
    tell "limited" "tag ${BASH_REMATCH[1]} has too many values: the rest counts as __other__"
  fi
  if [[ $BODY =~ \"time\"[[:space:]]*:[[:space:]]*([0-9]{1,15}) ]]; then
    now_ms
    SKEW=$((BASH_REMATCH[1] - NOW))
    ((SKEW > -60000 && SKEW < 60000)) || tell clock "this host's clock is more than a minute from the server's"
  fi
  WANTED=''
  if [[ $BODY =~ \"desired\"[[:space:]]*:[[:space:]]*\"([A-Za-z0-9._:-]{1,64})\" ]]; then
    WANTED=${BASH_REMATCH[1]}
  fi
}
