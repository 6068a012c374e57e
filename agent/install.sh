#!/usr/bin/env bash
# Usage: curl -fsS <api>/install.sh | sudo bash -s -- --token TOKEN [option]...
#        bash install.sh [option]...
#
# Installs the ClawPulse agent, or a newer version of it. Run twice, it changes nothing; when a download fails, the old version stays.
#
#   --token TOKEN        a token of scope ingest; `-` reads it from the terminal or a pipe (not with curl | bash)
#   --token-file FILE    likewise, from a file; CLAWPULSE_TOKEN in the environment does, too
#   --agent ID           the agent's id; the host's name if left out
#   --tags env=prod,...  tags of everything that this agent sends
#   --url URL            where the API is; filled in already when it served this file
#   --user               without root: below the home directory, with a systemd user unit if there is one
#   --openclaw           let desired configurations steer OpenClaw; as if given where there is a command openclaw. --no-openclaw: do not
#   --keys anthropic,... providers whose API keys the agent brings into force; the token needs the scope `keys` for that, unless:
#   --key-source vault   they come from Vault, by an AppRole: --vault-address URL, --vault-role-id-file FILE (its content goes into the
#                        settings), --vault-secret-id-file FILE (stays where it is); --vault-mount, --vault-namespace, --vault-workspace,
#                        --vault-shard where they are not secret, none, default, none
#   --keys-group GROUP   a group that may read the keys: that of OpenClaw's user, where that is another one than the agent's
#   --upgrade            only the program; settings stay
#   --no-start           install, but start nothing
#   --uninstall          remove the program and the unit; --purge: settings and data as well
#   --prefix DIR         put everything below DIR, for images and tests; no user is made, nothing is started
set -Eeuo pipefail

URL='@URL@'
VERSION='@VERSION@'
SHA256='@SHA256@'

say() { printf '%s\n' "$*"; }
die() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}

declare -A GIVEN=() # settings by their names, of options that are no more than that

main() {
  TOKEN=${CLAWPULSE_TOKEN-} AGENT='' TAGS='' USER_ONLY='' ACTION=install START=1 PURGE='' PREFIX='' STEER='' KEYS_GROUP=''
  # Before they were filled in.
  [[ $URL != @* ]] || URL=''
  [[ $SHA256 != @* ]] || SHA256=''
  options "$@"
  umask 022
  places
  if [[ $ACTION == uninstall ]]; then
    uninstall
    return
  fi
  requirements
  download
  [[ $ACTION == upgrade ]] || steering
  [[ $ACTION == upgrade ]] || settings
  state
  service
}

options() {
  while (($#)); do
    case $1 in
      --token | --token-file | --agent | --tags | --url | --prefix | --keys | --key-source | --keys-group | --vault-*)
        (($# > 1)) || die "$1 needs a value"
        option "$1" "$2"
        shift
        ;;
      --user) USER_ONLY=1 ;;
      --upgrade) ACTION=upgrade ;;
      --uninstall) ACTION=uninstall ;;
      --openclaw | --no-openclaw) STEER=$1 ;;
      --no-start) START='' ;;
      --purge) PURGE=1 ;;
      *) die "there is no option $1; the head of this file lists them" ;;
    esac
    shift
  done
}

option() {
  case $1 in
    --token)
      TOKEN=$2
      [[ $2 != - ]] || read -r TOKEN || [[ -n $TOKEN ]] || die '--token -: there is nothing to read'
      ;;
    --token-file) read -r TOKEN <"$2" || [[ -n $TOKEN ]] || die "--token-file: $2 is empty" ;;
    --agent) AGENT=$2 ;;
    --tags) TAGS=$2 ;;
    --url) URL=${2%/} ;;
    --prefix) PREFIX=${2%/} ;;
    --keys) GIVEN[KEYS]=$2 ;;
    --key-source) GIVEN[KEY_SOURCE]=$2 ;;
    --keys-group) KEYS_GROUP=$2 ;;
    --vault-role-id-file) read -r 'GIVEN[VAULT_ROLE_ID]' <"$2" || [[ -n ${GIVEN[VAULT_ROLE_ID]-} ]] || die "$1: $2 is empty" ;;
    --vault-address | --vault-secret-id-file | --vault-mount | --vault-namespace | --vault-workspace | --vault-shard) vault_option "$@" ;;
    *) die "there is no option $1; the head of this file lists them" ;;
  esac
}

# --vault-mount VALUE is the setting VAULT_MOUNT.
vault_option() {
  local name=${1#--}
  name=${name//-/_}
  GIVEN[${name^^}]=$2
}

# Sets where everything goes.
places() {
  if [[ -n $USER_ONLY ]]; then
    BIN=$PREFIX$HOME/.local/bin/clawpulse-agent
    FUNCTIONS=$PREFIX$HOME/.local/lib/clawpulse/clawpulse.sh
    CONFIG=$PREFIX${XDG_CONFIG_HOME:-$HOME/.config}/clawpulse/agent.env
    STATE=$PREFIX${XDG_STATE_HOME:-$HOME/.local/state}/clawpulse
    UNIT=$PREFIX${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user/clawpulse-agent.service
    CONTROL=(systemctl --user)
  else
    [[ -n $PREFIX || $(id -u) == 0 ]] || die 'root is needed: use sudo, or --user to install for this user alone'
    BIN=$PREFIX/usr/local/bin/clawpulse-agent
    FUNCTIONS=$PREFIX/usr/local/lib/clawpulse/clawpulse.sh
    CONFIG=$PREFIX/etc/clawpulse/agent.env
    STATE=$PREFIX/var/lib/clawpulse
    UNIT=$PREFIX/etc/systemd/system/clawpulse-agent.service
    CONTROL=(systemctl)
  fi
  HOOK=${CONFIG%/*}/hooks.d/50-openclaw
  OWNER=''
  [[ -n $USER_ONLY || -n $PREFIX ]] || OWNER=clawpulse
}

requirements() {
  local tool
  ((BASH_VERSINFO[0] >= 4)) || die "bash 4 or newer is needed, this is $BASH_VERSION"
  for tool in curl awk gzip sha256sum mkfifo; do
    command -v "$tool" >/dev/null || die "$tool is needed"
  done
  [[ -n $URL ]] || setting URL || die '--url is needed: https://host/stage'
  URL=${URL:-$REPLY}
  [[ $URL =~ ^https?://[^][:space:]\"\\?#@]+$ ]] || die "--url must be like https://host/stage"
  [[ $ACTION == upgrade || -n $TOKEN ]] || setting TOKEN || setting TOKEN_FILE || die 'a token is needed: --token, --token-file or CLAWPULSE_TOKEN'
  [[ $TOKEN != *[![:graph:]]* && $TOKEN != *[\"\\]* ]] || die 'the token has characters that no token has'
  [[ $AGENT =~ ^([A-Za-z0-9][A-Za-z0-9._:@-]{0,127})?$ ]] || die '--agent must begin with a letter or digit and have at most 128 of A-Z a-z 0-9 . _ : @ -'
  [[ ${GIVEN[KEYS]-} =~ ^([a-z][a-z0-9-]{0,31}(,|$))*$ ]] || die '--keys must be like anthropic,openai'
  [[ ${GIVEN[KEY_SOURCE]-api} == api || ${GIVEN[KEY_SOURCE]} == vault ]] || die '--key-source must be api or vault'
  [[ ${GIVEN[*]-} != *[\"\\[:cntrl:]]* ]] || die 'a setting of keys has characters that it cannot have'
  [[ $TAGS =~ ^([A-Za-z_][A-Za-z0-9_.-]*=[^,\"]+(,|$))*$ ]] || die '--tags must be like env=prod,tier=fast'
}

# setting NAME: REPLY is what the settings file has; fails when it has none.
setting() {
  local line
  REPLY=''
  [[ -r $CONFIG ]] || return 1
  while IFS= read -r line; do
    [[ $line != "CLAWPULSE_$1="* ]] || REPLY=${line#*=}
  done <"$CONFIG"
  REPLY=${REPLY#\"}
  REPLY=${REPLY%\"}
  [[ -n $REPLY ]]
}

# Gets both files beside their places, checks them, and only then moves them there.
download() {
  local found
  mkdir -p -- "${BIN%/*}" "${FUNCTIONS%/*}"
  trap 'rm -f -- "$BIN.new" "$FUNCTIONS.new"' EXIT
  fetch clawpulse-agent "$BIN.new"
  fetch clawpulse.sh "$FUNCTIONS.new"
  if [[ -z $SHA256 ]]; then
    SHA256=$(curl -fsS --max-time 60 "$URL/agent/clawpulse-agent.sha256") || die "cannot download $URL/agent/clawpulse-agent.sha256"
    SHA256=${SHA256%% *}
  fi
  found=$(sha256sum "$BIN.new")
  [[ ${found%% *} == "$SHA256" ]] || die "the download is damaged: SHA-256 is ${found%% *}, not $SHA256"
  bash -n "$BIN.new" && bash -n "$FUNCTIONS.new" || die 'the download is no program'
  chmod 755 "$BIN.new"
  mv -f -- "$BIN.new" "$BIN"
  mv -f -- "$FUNCTIONS.new" "$FUNCTIONS"
  VERSION=$("$BIN" version)
  say "installed $BIN, version $VERSION"
}

fetch() {
  curl -fsS --retry 2 --max-time 120 -o "$2" "$URL/agent/$1" || die "cannot download $URL/agent/$1; what was installed before stays"
}

# Puts the hook in place that steers OpenClaw, if that is wanted or there is one. COMMAND and SECONDS_OF_HOOKS are for the settings.
steering() {
  COMMAND='' SECONDS_OF_HOOKS=''
  if [[ $STEER == --no-openclaw ]]; then
    rm -f -- "$HOOK"
    return
  fi
  COMMAND=$(type -P openclaw) || COMMAND=''
  [[ -n $COMMAND$STEER ]] || return 0
  ! setting OPENCLAW_COMMAND || COMMAND=''
  # A gateway that restarts for a configuration takes its time, and one that does not come back has to get the old one.
  setting HOOK_SECONDS || SECONDS_OF_HOOKS=300
  mkdir -p -- "${HOOK%/*}"
  # shellcheck disable=SC2016  # the hook expands it
  printf '#!/bin/sh\nexec %s openclaw "$@"\n' "$(quoted "$BIN")" >"$HOOK.new"
  chmod 755 "$HOOK.new"
  mv -f -- "$HOOK.new" "$HOOK"
  say "steers OpenClaw: $HOOK"
  [[ -z $OWNER || -e ${CONFIG%/*}/openclaw.env ]] ||
    say "its gateway's token goes into ${CONFIG%/*}/openclaw.env, as OPENCLAW_GATEWAY_TOKEN=…; mode 0600, owner $OWNER"
}

quoted() {
  printf "'%s'" "${1//\'/\'\\\'\'}"
}

# Writes the settings: those given now, and those that were there. The file is its owner's alone from its first byte on.
settings() {
  local line text='' name
  local -A given=()
  for name in "${!GIVEN[@]}"; do given[$name]=${GIVEN[$name]}; done
  given[URL]=$URL given[TOKEN]=$TOKEN given[AGENT]=$AGENT given[TAGS]=$TAGS
  given[OPENCLAW_COMMAND]=$COMMAND given[HOOK_SECONDS]=$SECONDS_OF_HOOKS
  if [[ -r $CONFIG ]]; then
    while IFS= read -r line || [[ -n $line ]]; do
      name=${line%%=*}
      name=${name#CLAWPULSE_}
      if [[ -n $name && -n ${given[$name]-} ]]; then
        line="CLAWPULSE_$name=\"${given[$name]}\""
        given[$name]=''
      fi
      text+=$line$'\n'
    done <"$CONFIG"
  fi
  for name in URL TOKEN AGENT TAGS OPENCLAW_COMMAND HOOK_SECONDS KEYS KEY_SOURCE VAULT_{ADDRESS,ROLE_ID,SECRET_ID_FILE,MOUNT,NAMESPACE,WORKSPACE,SHARD}; do
    [[ -z ${given[$name]-} ]] || text+="CLAWPULSE_$name=\"${given[$name]}\""$'\n'
  done
  mkdir -p -- "${CONFIG%/*}/hooks.d"
  (umask 077 && printf '%s' "$text" >"$CONFIG.new")
  mv -f -- "$CONFIG.new" "$CONFIG"
  say "settings: $CONFIG"
}

# The user, the state and the intake. On a system's agent everybody may append to the intake, and nobody may read it.
state() {
  [[ -z $OWNER ]] || id "$OWNER" >/dev/null 2>&1 || make_user
  mkdir -p -- "$STATE/intake"
  # Shut until all is in place: where everybody may write, a name could become a link to something else while we use it.
  chmod 700 "$STATE/intake"
  chmod "$([[ -n $USER_ONLY ]] && echo 700 || echo 755)" "$STATE"
  [[ ! -L $STATE/intake/lines ]] || die "$STATE/intake/lines is a link; remove it, somebody has put it there"
  if [[ ! -e $STATE/intake/lines ]]; then
    : >"$STATE/intake/lines"
    chmod "$([[ -n $USER_ONLY ]] && echo 600 || echo 622)" "$STATE/intake/lines"
  fi
  [[ -z $OWNER ]] || chown -h "$OWNER:$OWNER" "$STATE" "$STATE/intake" "$STATE/intake/lines" "$CONFIG"
  [[ -n $USER_ONLY ]] || chmod 1733 "$STATE/intake"
  [[ -z ${GIVEN[KEYS]-}$KEYS_GROUP ]] || keys
}

# Where keys are: for the agent alone, or with the bit by which files in it are of a group, and the agent lets that read them.
keys() {
  local folder=$STATE/keys mode=700 program=${FUNCTIONS%/*}/openclaw-secrets
  [[ ! -L $folder ]] || die "$folder is a link; remove it, somebody has put it there"
  mkdir -p -- "$folder"
  [[ -z $OWNER ]] || chown -h "$OWNER:$OWNER" "$folder"
  if [[ -n $KEYS_GROUP ]]; then
    chgrp -h -- "$KEYS_GROUP" "$folder"
    mode=2710
  fi
  chmod "$mode" "$folder"
  [[ -e $HOOK ]] || return 0
  # OpenClaw runs only what belongs to its own user.
  if [[ -n $USER_ONLY ]]; then
    "$BIN" openclaw secrets >"$program.new"
    chmod 700 "$program.new"
    mv -f -- "$program.new" "$program"
  else
    say "as OpenClaw's user: $BIN openclaw secrets >FILE; chmod 700 FILE"
    program=FILE
  fi
  say "OpenClaw gets keys by {\"source\":\"exec\",\"command\":\"$program\",\"args\":[\"$folder\"],\"jsonOnly\":true}"
}

make_user() {
  if command -v useradd >/dev/null; then
    useradd --system --user-group --no-create-home --home-dir "$STATE" --shell /usr/sbin/nologin "$OWNER"
  else
    addgroup -S "$OWNER" && adduser -S -D -H -h "$STATE" -s /sbin/nologin -G "$OWNER" "$OWNER"
  fi
}

# Writes the unit and starts it, where there is systemd; else tells how to run the agent.
service() {
  local running=''
  if [[ -z $PREFIX && -d /run/systemd/system ]] && "${CONTROL[@]}" show-environment >/dev/null 2>&1; then running=1; fi
  if [[ -n $running || -n $PREFIX ]]; then
    mkdir -p -- "${UNIT%/*}"
    unit >"$UNIT.new"
    mv -f -- "$UNIT.new" "$UNIT"
  fi
  if [[ -z $START || -n $PREFIX ]]; then
    say 'not started'
  elif [[ -n $running ]]; then
    start
  else
    by_hand
  fi
}

start() {
  "${CONTROL[@]}" daemon-reload && "${CONTROL[@]}" enable --quiet clawpulse-agent && "${CONTROL[@]}" restart clawpulse-agent ||
    die "the agent is installed, but systemd does not start it: ${CONTROL[*]} status clawpulse-agent"
  say "running; ${CONTROL[*]} status clawpulse-agent, or: $BIN status"
}

by_hand() {
  say 'there is no systemd here. Have your init system, or a line in a start script, run the agent:'
  if [[ -n $OWNER ]]; then
    say "  su -s /bin/bash $OWNER -c 'CLAWPULSE_CONFIG=$CONFIG CLAWPULSE_HOME=$STATE exec $BIN run' &"
  else
    say "  $BIN run &"
  fi
}

# The unit with its places filled in. Without systemd-notify nobody can feed a watchdog. A user's manager cannot shut a service in.
unit() {
  local line type=notify
  command -v systemd-notify >/dev/null || type=simple
  while IFS= read -r line; do
    case $line in
      WatchdogSec=* | NotifyAccess=*) [[ $type == notify ]] || continue ;;
      User=* | Group=* | State* | Capab* | Ambient* | Protect* | Private* | Remove* | OOM* | Nice=* | After=* | Wants=* | '# A user of'*)
        [[ -z $USER_ONLY ]] || continue
        ;;
      RestrictA* | RestrictN* | RestrictR* | RestrictS* | Lock* | SystemCall*) [[ -z $USER_ONLY ]] || continue ;;
      WantedBy=*) [[ -z $USER_ONLY ]] || line=WantedBy=default.target ;;
    esac
    line=${line//__TYPE__/$type}
    line=${line//__URL__/$URL}
    line=${line//__BIN__/$BIN}
    line=${line//__CONFIG__/$CONFIG}
    line=${line//__HOME__/$STATE}
    line=${line//__WATCHDOG__/120}
    line=${line//__USER__/clawpulse}
    printf '%s\n' "$line"
  done < <("$BIN" unit)
}

uninstall() {
  if [[ -z $PREFIX ]] && command -v systemctl >/dev/null && [[ -e $UNIT ]]; then
    "${CONTROL[@]}" disable --quiet --now clawpulse-agent || :
  fi
  rm -f -- "$UNIT" "$BIN" "$FUNCTIONS" "$HOOK" "${FUNCTIONS%/*}/openclaw-secrets"
  rmdir -- "${FUNCTIONS%/*}" 2>/dev/null || :
  say 'the agent is removed'
  if [[ -n $PURGE ]]; then
    rm -rf -- "$STATE" "${CONFIG%/*}"
    [[ -z $OWNER ]] || ! id "$OWNER" >/dev/null 2>&1 || userdel "$OWNER" 2>/dev/null || deluser "$OWNER" 2>/dev/null || :
    say 'so are its settings and data'
  else
    say "settings and data stay: ${CONFIG%/*}, $STATE (--purge removes them)"
  fi
}

# All of this is read before any of it runs: half a download does nothing.
main "$@"
