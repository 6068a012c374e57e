# Keys from Vault or OpenBao, by an AppRole login of the agent's own. Each try logs in: a token lives as long as this process, and no file
# has it. Where keys lie there, and what the agent may read, stands in vault/README.md.

VAULT_TOKEN=''

# key_from_vault PROVIDER FINGERPRINT: sets KEY to the one under next, current or old that has the fingerprint.
key_from_vault() {
  local alias folder=${CFG[VAULT_WORKSPACE]}${CFG[VAULT_SHARD]:+/shards/${CFG[VAULT_SHARD]}}
  vault_login || return 1
  for alias in next current old; do
    vault_ask "${CFG[VAULT_MOUNT]}/data/$folder/keys/$1/$alias" || return 1
    if json_at data.data.key; then
      KEY=$REPLY
      ! key_fits "$2" || return 0
      HOOK_HIDDEN+=("$KEY")
    fi
  done
  KEY=''
  key_failed away "Vault has no key with this fingerprint under $folder/keys/$1"
  return 1
}

vault_login() {
  local secret='' file=${CFG[VAULT_SECRET_ID_FILE]}
  { IFS= read -r secret <"$file"; } 2>/dev/null || [[ -n $secret ]] || { key_failed refused "$file, the secret ID, cannot be read"; return 1; }
  [[ -n $secret && $secret != *[![:graph:]]* && $secret != *[\"\\]* ]] || { key_failed refused "$file has no secret ID"; return 1; }
  vault_ask auth/approle/login "data = \"{\\\"role_id\\\":\\\"${CFG[VAULT_ROLE_ID]}\\\",\\\"secret_id\\\":\\\"$secret\\\"}\"" || return 1
  json_at auth.client_token && [[ $REPLY != *[![:graph:]]* && $REPLY != *[\"\\]* ]] || { key_failed refused 'Vault gave no token'; return 1; }
  VAULT_TOKEN=$REPLY
}

# vault_ask PATH [LINE]: sets BODY, which is empty where nothing is; fails when Vault cannot be asked, or does not want it.
vault_ask() {
  local what='read keys' lines=$'header = "X-Vault-Request: true"\n'
  [[ -z ${CFG[VAULT_NAMESPACE]} ]] || lines+="header = \"X-Vault-Namespace: ${CFG[VAULT_NAMESPACE]}\""$'\n'
  [[ -z $VAULT_TOKEN ]] || lines+="header = \"X-Vault-Token: $VAULT_TOKEN\""$'\n'
  [[ -z ${2-} ]] || what='log in' lines+="header = \"Content-Type: application/json\""$'\n'$2$'\n'
  key_ask "${CFG[VAULT_ADDRESS]}/v1/$1" "${CFG[VAULT_CACERT]}" "$lines"
  # One that names no fault says that there is no entry.
  if [[ $STATUS == 404 ]] && ! json_at errors.; then BODY='' STATUS=200; fi
  case $STATUS in
    200) return 0 ;;
    408 | 412 | 429 | 47? | 5?? | 0) key_failed away "Vault cannot be asked now (${REASON:-no answer})" ;;
    *) key_failed refused "Vault does not let this agent $what (status $STATUS$(vault_words))" ;;
  esac
  return 1
}

vault_words() {
  ! json_at errors. || { redact "$REPLY" && printf ': %s' "${REPLY:0:120}"; }
}

# json_at PLACE: REPLY is the text at a place of BODY, like data.data.key, or errors. for the first of a list; fails when there is none.
json_at() {
  local wanted=.$1 rest=$BODY at='' token
  local text='^[[:space:],]*"(([^"\\]|\\.)*)"[[:space:]]*(:?)' other='^[[:space:],]*([][{}]|[^][{}",[:space:]]+)'
  while [[ -n $rest ]]; do
    if [[ $rest =~ $text ]]; then
      token=${BASH_REMATCH[1]}
      if [[ -n ${BASH_REMATCH[3]} ]]; then
        at=${at%.*}.${token//./$'\001'}
      elif [[ $at == "$wanted" ]]; then
        json_plain "$token"
        return
      fi
    elif [[ $rest =~ $other ]]; then
      case ${BASH_REMATCH[1]} in
        '{' | '[') at+=. ;;
        '}' | ']') at=${at%.*} ;;
      esac
    else
      return 1
    fi
    rest=${rest:${#BASH_REMATCH[0]}}
  done
  return 1
}

# json_plain TEXT: REPLY is what a JSON text stands for, on one line; fails for names of characters that are not ASCII's.
json_plain() {
  local rest=$1 before hex
  REPLY=''
  while [[ $rest == *\\* ]]; do
    before=${rest%%\\*}
    rest=${rest:${#before}+1}
    REPLY+=$before
    case $rest in
      u00[2-7][0-9A-Fa-f]*) printf -v hex '%b' "\\x${rest:3:2}" && REPLY+=$hex && rest=${rest:5} ;;
      [bfnrt]*) REPLY+=' ' rest=${rest:1} ;;
      [\"\\/]*) REPLY+=${rest:0:1} rest=${rest:1} ;;
      *) return 1 ;;
    esac
  done
  REPLY+=$rest
}
