# API keys: which one of each provider is in force here, which one should be, and when the other one is fetched and tried.
#
# keys/PROVIDER           the key in force; an operator may put the first one there
# keys/PROVIDER.new       the one that hooks are to take; after a kill it says that some of them may have
# keys/PROVIDER.used      ms since 1970: when the provider last took the key, from whoever knows; PROVIDER.new.used likewise
# keys/PROVIDER.trial     what OpenClaw is given instead, while its hook finds out whether it takes it
# keys/.salt              the salt of each provider's fingerprints, one a line
# run/key.lock            the process that fetches and tries a key: it outlives an agent that is killed
# run/key.result          how that ended
# A file that is readable to a group is what a directory with the set-group-ID bit makes of it. No key is in a variable of this process.

WANTED_KEYS='' # provider=fingerprint ..., as the last answer had it
KEYS_TOLD=''   # what the next batch says, for batch.awk
KEY_PROCESS='' # that fetches and tries one, when it began, and whose key it is
KEY_BIRTH=''
KEY_PROVIDER=''
declare -A KEY_SALT=() KEY_PRINT=() KEY_ERROR=()                # by provider; prints are of the keys in force
declare -A KEY_TRIED=() KEY_SINCE=() KEY_TRIES=() KEY_NEXT=()   # print, uptime of the first try, tries that failed, uptime of the next

# Reads where things stood, and takes over a process that an agent before this one has started.
keys_open() {
  local provider salt
  while read -r provider salt; do
    [[ ! $salt =~ ^[0-9a-f]{8}$ ]] || KEY_SALT[$provider]=$salt
  done 2>/dev/null <"$KEYS/.salt" || :
  { read -r KEY_PROCESS KEY_BIRTH KEY_PROVIDER <"$RUN/key.lock"; } 2>/dev/null || :
  keys_busy || KEY_PROCESS=''
  keys_reset
}

# Looks at all files again, and lets what failed be tried at once: after a start, or a reload.
keys_reset() {
  local provider
  for provider in ${CFG[KEYS]//,/ }; do
    keys_look "$provider"
    KEY_TRIED[$provider]=''
  done
}

# keys_look PROVIDER: sets its KEY_PRINT; empty as long as its salt is not known, or there is no key.
keys_look() {
  KEY_PRINT[$1]=''
  [[ -n ${KEY_SALT[$1]-} && -e $KEYS/$1 ]] || return 0
  KEY_PRINT[$1]=$(key_print "${KEY_SALT[$1]}" "$KEYS/$1" 2>/dev/null) || tell "key $1" "$KEYS/$1 cannot be read, or is empty"
}

# key_print SALT FILE: prints the fingerprint of the key in a file. To be run in a subshell, where the key ends with it. A local variable with
# the name of an exported one would be exported, too.
key_print() {
  local +x key=''
  local hash
  IFS= read -r key <"$2" || [[ -n $key ]] || return 1
  hash=$(printf '%s\n%s' "$1" "${key%"${key##*[![:space:]]}"}" | sha256sum) || return 1
  printf '%s-%s' "$1" "${hash:0:16}"
}

# Whether the process is there still; how it ended is not known before keys_poll has looked.
keys_busy() {
  [[ -n $KEY_PROCESS ]] && process_stat "$KEY_PROCESS" && [[ $REPLY == "$KEY_BIRTH" ]]
}

# Starts what the last answer asks for, one key at a time and not beside hooks that take a configuration.
keys_check() {
  local provider
  for provider in ${CFG[KEYS]//,/ }; do
    if desired_busy; then return 0; fi
    [[ " $WANTED_KEYS " =~ " $provider="([0-9a-f]{8}-[0-9a-f]{16})' ' ]] || continue
    keys_consider "$provider" "${BASH_REMATCH[1]}"
  done
}

# keys_consider PROVIDER PRINT
keys_consider() {
  if [[ ${KEY_SALT[$1]-} != "${2%-*}" ]]; then
    KEY_SALT[$1]=${2%-*}
    keys_save
    keys_look "$1"
  fi
  [[ ${KEY_TRIED[$1]-} == "$2" ]] || KEY_TRIED[$1]=$2 KEY_SINCE[$1]=$UPTIME KEY_TRIES[$1]=0 KEY_NEXT[$1]=0
  if [[ ${KEY_PRINT[$1]} == "$2" && ! -e $KEYS/$1.new ]]; then
    KEY_ERROR[$1]=''
  elif ((UPTIME >= ${KEY_NEXT[$1]})); then
    keys_start "$1" "$2"
  fi
}

keys_save() {
  local provider text=''
  for provider in "${!KEY_SALT[@]}"; do text+="$provider ${KEY_SALT[$provider]}"$'\n'; done
  write_file "$KEYS/.salt" "$text" || tell disk "cannot write to $KEYS"
}

keys_start() {
  rm -f -- "$RUN/key.result"
  "$SELF" key "$1" "$2" 9>&- < <(printf '%s\n' "${CFG[TOKEN]}" "${CFG[VAULT_ROLE_ID]}") &
  KEY_PROCESS=$! KEY_PROVIDER=$1 KEY_BIRTH=''
  ! process_stat "$KEY_PROCESS" || KEY_BIRTH=$REPLY
}

# Takes notice of how a try ended.
keys_poll() {
  local provider='' print='' how='' text='' ended=''
  [[ -n $KEY_PROCESS ]] || return 0
  # Asked before the result: that may come any moment, and then the process is gone.
  keys_busy || ended=1
  if ! { read -r provider print how text <"$RUN/key.result"; } 2>/dev/null; then
    [[ -n $ended ]] || return 0
    provider=$KEY_PROVIDER print=${KEY_TRIED[$KEY_PROVIDER]-} how=away text='trying it was interrupted'
  fi
  KEY_PROCESS=''
  rm -f -- "$RUN/key.result"
  keys_look "$provider"
  # One that is not wanted any more says nothing about the one that is.
  [[ ${KEY_TRIED[$provider]:-$print} == "$print" ]] || return 0
  if [[ $how == taken ]]; then
    KEY_ERROR[$provider]='' KEY_TRIES[$provider]=0
    untell "key $provider"
    log "the key $print of $provider is in force"
  else
    keys_failed "$provider" "$print" "$how" "$text"
  fi
}

# keys_failed PROVIDER PRINT HOW TEXT: an error names the fingerprint that it is about. What was refused is told at once and tried again after
# half of CLAWPULSE_RETRY_SECONDS, up to fifteen times them; a source that is away is told when that lasts, and asked again much sooner.
keys_failed() {
  local tries=${KEY_TRIES[$1]:-0} most=${CFG[RETRY_MS]} pause later=''
  if [[ $3 == away ]]; then
    pause=$((tries < 4 ? most / 12 << tries : most))
    later=" (tried again in $((pause / 1000)) s)"
    ((UPTIME - ${KEY_SINCE[$1]:-$UPTIME} >= most)) || later=''
  else
    pause=$((tries < 5 ? most / 2 << tries : most * 15))
  fi
  KEY_TRIES[$1]=$((tries + 1)) KEY_NEXT[$1]=$((UPTIME + pause))
  tell "key $1" "the key $2 of $1 is not in force: $4"
  if [[ $3 != away || -n $later ]]; then
    KEY_ERROR[$1]="$2: $4"
    KEY_ERROR[$1]=${KEY_ERROR[$1]:0:220}$later
  fi
}

# Sets KEYS_TOLD to what is told of them: provider, print, time of use, error, parted by tabs. A key that hooks were interrupted in going
# back to is not told as the one in force before they have.
keys_report() {
  local provider print used
  KEYS_TOLD=''
  for provider in ${CFG[KEYS]//,/ }; do
    used='' print=${KEY_PRINT[$provider]-}
    { read -r used <"$KEYS/$provider.used"; } 2>/dev/null || :
    [[ $used =~ ^[0-9]{13}$ ]] || used=''
    [[ ! -e $KEYS/$provider.new || $print != "${KEY_TRIED[$provider]:-$print}" ]] || print=''
    KEYS_TOLD+=$provider$'\t'$print$'\t'${print:+$used}$'\t'${KEY_ERROR[$provider]-}$'\n'
  done
}
