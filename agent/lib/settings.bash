# Settings: defaults, then the file, then the environment. The file is read line by line and never run.

# Sets found to the defaults.
settings_defaults() {
  found=(
    [URL]='' [TOKEN]='' [TOKEN_FILE]='' [AGENT]='' [NAME]='' [MODEL]='' [TAGS]='' [VERSIONS]='' [ATTRIBUTES]=''
    [HEARTBEAT_SECONDS]=15 [TIMEOUT_SECONDS]=10 [EXIT_SECONDS]=5 [RETRY_SECONDS]=60 [SPOOL_BYTES]=67108864 [INTAKE_BYTES]=67108864
    [CACERT]='' [DISK]=/ [LOGS]='' [LOG_PATTERN]='ERROR|FATAL|CRITICAL|Traceback|panic:' [HOOK_SECONDS]=60
    [KEYS]='' [KEY_SOURCE]=api [KEY_TESTS]='' [VAULT_ADDRESS]='' [VAULT_ROLE_ID]='' [VAULT_SECRET_ID_FILE]='' [VAULT_MOUNT]=secret
    [VAULT_NAMESPACE]='' [VAULT_WORKSPACE]=default [VAULT_SHARD]='' [VAULT_CACERT]='' [OPENCLAW_KEYS]=''
    [OPENCLAW_COMMAND]=openclaw [OPENCLAW_ENV]='' [OPENCLAW_PORT]='' [OPENCLAW_PIDFILE]='' [OPENCLAW_UNIT]=openclaw-gateway.service [OPENCLAW_MATCH]='openclaw*gateway'
  )
}

declare -A CFG=()

# Sets HOME_DIR and the folders in it, and CONFIG_FILE.
settings_places() {
  if ((EUID == 0)); then
    HOME_DIR=${CLAWPULSE_HOME:-/var/lib/clawpulse}
    CONFIG_FILE=${CLAWPULSE_CONFIG:-/etc/clawpulse/agent.env}
  else
    HOME_DIR=${CLAWPULSE_HOME:-${XDG_STATE_HOME:-${HOME:-/nonexistent}/.local/state}/clawpulse}
    CONFIG_FILE=${CLAWPULSE_CONFIG:-${XDG_CONFIG_HOME:-${HOME:-/nonexistent}/.config}/clawpulse/agent.env}
  fi
  [[ $HOME_DIR == /* ]] || die "CLAWPULSE_HOME must be an absolute path, not $HOME_DIR"
  INTAKE=$HOME_DIR/intake TAKEN=$HOME_DIR/taken SPOOL=$HOME_DIR/spool RUN=$HOME_DIR/run DESIRED=$HOME_DIR/config KEYS=$HOME_DIR/keys
  JOURNAL=$HOME_DIR/journal HOOKS=${CLAWPULSE_HOOKS:-${CONFIG_FILE%/*}/hooks.d}
}

# Reads all settings into CFG. With a fault it says which, leaves CFG as it was and fails.
settings_load() {
  local -A found=()
  local key variable
  settings_defaults
  settings_read_file || return 1
  for key in "${!found[@]}"; do
    variable=CLAWPULSE_$key
    [[ -z ${!variable-} ]] || found[$key]=${!variable}
  done
  settings_token && settings_agent && settings_check && settings_keys || return 1
  for key in "${!found[@]}"; do CFG[$key]=${found[$key]}; done
  # Nothing that the agent starts needs the token, or what it logs in to Vault with, in its environment.
  export -n CLAWPULSE_TOKEN CLAWPULSE_VAULT_ROLE_ID
}

# Lines like KEY=value or KEY="value"; # begins a comment.
settings_read_file() {
  local line key text number=0
  [[ -e $CONFIG_FILE ]] || return 0
  [[ -r $CONFIG_FILE ]] || { log "$CONFIG_FILE cannot be read"; return 1; }
  while IFS= read -r line || [[ -n $line ]]; do
    number=$((number + 1))
    [[ $line =~ ^[[:space:]]*(export[[:space:]]+)?CLAWPULSE_([A-Z_]+)=(.*)$ ]] || {
      [[ $line =~ ^[[:space:]]*(#.*)?$ ]] || log "$CONFIG_FILE: line $number is not like CLAWPULSE_NAME=value; it is left out"
      continue
    }
    key=${BASH_REMATCH[2]} text=${BASH_REMATCH[3]}
    text=${text%"${text##*[![:space:]]}"}
    [[ $text =~ ^\"(.*)\"$ || $text =~ ^\'(.*)\'$ ]] && text=${BASH_REMATCH[1]}
    if [[ -n ${found[$key]+known} ]]; then
      found[$key]=$text
    else
      log "$CONFIG_FILE: line $number: there is no setting CLAWPULSE_$key"
    fi
  done <"$CONFIG_FILE"
}

settings_token() {
  local file=${found[TOKEN_FILE]}
  if [[ -n $file ]]; then
    [[ -r $file ]] || { log "CLAWPULSE_TOKEN_FILE: $file cannot be read"; return 1; }
    read -r 'found[TOKEN]' <"$file" || [[ -n ${found[TOKEN]} ]] || { log "CLAWPULSE_TOKEN_FILE: $file is empty"; return 1; }
  fi
  [[ ${found[TOKEN]} != *[![:graph:]]* && ${found[TOKEN]} != *[\"\\]* ]] || { log 'CLAWPULSE_TOKEN has characters that no token has'; return 1; }
}

# The agent's id: as set, else made of the host's name.
settings_agent() {
  local agent=${found[AGENT]}
  if [[ -z $agent ]]; then
    agent=${HOSTNAME//[!A-Za-z0-9._:@-]/-}
    agent=${agent#"${agent%%[A-Za-z0-9]*}"}
    agent=${agent:0:128}
  fi
  found[AGENT]=${agent:-agent}
  [[ ${found[AGENT]} == [A-Za-z0-9]* && ${found[AGENT]} != *[!A-Za-z0-9._:@-]* ]] && ((${#found[AGENT]} <= 128)) ||
    { log "CLAWPULSE_AGENT must begin with a letter or digit and have at most 128 of A-Z a-z 0-9 . _ : @ -"; return 1; }
}

settings_check() {
  local key
  found[URL]=${found[URL]%/}
  found[URL]=${found[URL]%/v1/batches}
  [[ ${found[URL]} =~ ^https?://[^][:space:]/?#@\"\\]+(/[^][:space:]?#@\"\\]*)?$ ]] ||
    { log 'CLAWPULSE_URL must be like https://host/stage'; return 1; }
  for key in HEARTBEAT_SECONDS TIMEOUT_SECONDS EXIT_SECONDS RETRY_SECONDS HOOK_SECONDS; do
    to_ms "${found[$key]}" && ((REPLY >= 10)) || { log "CLAWPULSE_$key must be a number of seconds, not '${found[$key]}'"; return 1; }
    found[${key%SECONDS}MS]=$REPLY
  done
  for key in SPOOL_BYTES INTAKE_BYTES OPENCLAW_PORT; do
    [[ ${found[$key]} != *[!0-9]* ]] && ((${#found[$key]} < 16)) || { log "CLAWPULSE_$key must be a whole number, not '${found[$key]}'"; return 1; }
  done
  ((${found[SPOOL_BYTES]:-0} >= 65536)) || { log 'CLAWPULSE_SPOOL_BYTES must be at least 65536'; return 1; }
  for key in TAGS VERSIONS; do settings_check_pairs "$key" || return 1; done
}

# Texts like env=prod,tier=fast.
settings_check_pairs() {
  local pair IFS=, count=0
  for pair in ${found[$1]}; do
    count=$((count + 1))
    [[ $pair =~ ^[A-Za-z_][A-Za-z0-9_.-]*=.+$ && $pair != *[[:cntrl:]]* ]] || { log "CLAWPULSE_$1 must be like env=prod,tier=fast"; return 1; }
  done
  ((count <= 18)) || { log "CLAWPULSE_$1: at most 18"; return 1; }
}

# What keys need: names of providers, and where the keys are.
settings_keys() {
  local key
  for key in KEYS OPENCLAW_KEYS; do
    [[ -z ${found[$key]} || ${found[$key]}, =~ ^([a-z][a-z0-9-]{0,31},){1,8}$ ]] || { log "CLAWPULSE_$key must be at most 8 providers, like anthropic,openai"; return 1; }
  done
  [[ -z ${found[KEY_TESTS]} || ${found[KEY_TESTS]} =~ ^([a-z][a-z0-9-]{0,31}=(https?://[^][:space:],@\"\\]+)?(,|$))+$ ]] ||
    { log 'CLAWPULSE_KEY_TESTS must be like openai=https://api.openai.com/v1/models'; return 1; }
  [[ -n ${found[KEYS]} && ${found[KEY_SOURCE]} != api ]] || return 0
  [[ ${found[KEY_SOURCE]} == vault ]] || { log "CLAWPULSE_KEY_SOURCE must be api or vault, not '${found[KEY_SOURCE]}'"; return 1; }
  found[VAULT_ADDRESS]=${found[VAULT_ADDRESS]%/}
  [[ ${found[VAULT_ADDRESS]} =~ ^https?://[^][:space:]/?#@\"\\]+$ ]] || { log 'CLAWPULSE_VAULT_ADDRESS must be like https://vault.example:8200'; return 1; }
  for key in VAULT_ROLE_ID VAULT_SECRET_ID_FILE; do [[ -n ${found[$key]} ]] || { log "CLAWPULSE_$key is not set"; return 1; }; done
  for key in VAULT_ROLE_ID VAULT_MOUNT VAULT_NAMESPACE VAULT_WORKSPACE VAULT_SHARD; do
    [[ ${found[$key]} != *[!A-Za-z0-9._/-]* ]] || { log "CLAWPULSE_$key may have A-Z a-z 0-9 . _ / - only"; return 1; }
  done
}
