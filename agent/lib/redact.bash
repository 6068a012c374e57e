# What looks like a key does not leave this host: neither in a log line nor in an error text.

# A name that says so with what it is given (token=..., "apiKey": "...", Authorization: ...), or a scheme with its word (Bearer ...).
_SECRET_NAMES='[Tt][Oo][Kk][Ee][Nn]|[Ss][Ee][Cc][Rr][Ee][Tt]|[Pp][Aa][Ss][Ss][A-Za-z]*|[Kk][Ee][Yy]|[Aa][Uu][Tt][Hh][A-Za-z]*|[Cc]redentials?'
_NAMED_SECRET="(($_SECRET_NAMES)[\"']?[[:space:]]*[:=][[:space:]]*[\"']?|([Bb]earer|[Bb]asic)[[:space:]]+)([^][:space:]\"',;}]{4,})"
# Beginnings that keys are known by, and long words of letters and digits.
_KEY_BEGIN='sk-|pk-|rk_|cp_|gh[a-z]_|github_pat_|xox[a-z]-|AKIA|AIza|eyJ|glpat-|hvs\.|npm_'
_KEY_LIKE="($_KEY_BEGIN)[A-Za-z0-9_.-]{6,}|[A-Za-z0-9_+-]{24,}"

# redact TEXT: REPLY is the text on one line, in ASCII, with keys replaced. Errs on the side of taking too much.
redact() {
  local rest=${1//[![:print:]]/ } out='' before
  rest=${rest:0:1000}
  while [[ $rest =~ $_NAMED_SECRET ]]; do
    before=${rest%%"${BASH_REMATCH[0]}"*}
    rest=${rest:${#before}+${#BASH_REMATCH[0]}}
    out+=$before${BASH_REMATCH[1]}
    case ${BASH_REMATCH[4]} in
      # Authorization: Bearer abc: the word after it is the one.
      [Bb]earer | [Bb]asic) rest=${BASH_REMATCH[4]}$rest ;;
      *) out+='[redacted]' ;;
    esac
  done
  redact_keys "$out$rest"
}

redact_keys() {
  local rest=$1 out='' before word
  while [[ $rest =~ $_KEY_LIKE ]]; do
    word=${BASH_REMATCH[0]}
    before=${rest%%"$word"*}
    rest=${rest:${#before}+${#word}}
    if [[ -n ${BASH_REMATCH[1]} || ($word == *[0-9]* && $word == *[A-Za-z]*) ]]; then
      word='[redacted]'
    fi
    out+=$before$word
  done
  REPLY=$out$rest
}
