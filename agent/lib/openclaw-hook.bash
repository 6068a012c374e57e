# Usage: clawpulse-agent openclaw config FILE
# Brings this host's OpenClaw to what a desired configuration says, or back to what it was; hooks.d/50-openclaw runs it for the agent.
# `key PROVIDER FILE` gives it another API key, after trying that; `secrets` prints the program by which OpenClaw asks for keys.
#
# What it does stands in openclaw-hook/, in JavaScript: OpenClaw's own Node runs it. It gets no token of ClawPulse.

cmd_openclaw() {
  if [[ ${1-} == secrets ]]; then
    openclaw_secrets
    return
  fi
  settings_places
  settings_load || die "no usable settings: see $CONFIG_FILE"
  openclaw_node || die 'there is no node: put it into PATH, or name it in CLAWPULSE_OPENCLAW_COMMAND'
  exec env -u CLAWPULSE_TOKEN -u CLAWPULSE_VAULT_ROLE_ID CLAWPULSE_HOME="$HOME_DIR" CLAWPULSE_HOOK_SECONDS="$(((CFG[HOOK_MS] + 999) / 1000))" \
    CLAWPULSE_COMMANDS="$HOOKS/commands.d" CLAWPULSE_OPENCLAW_COMMAND="${CFG[OPENCLAW_COMMAND]}" \
    CLAWPULSE_OPENCLAW_ENV="${CFG[OPENCLAW_ENV]:-${CONFIG_FILE%/*}/openclaw.env}" CLAWPULSE_OPENCLAW_PORT="${CFG[OPENCLAW_PORT]}" \
    CLAWPULSE_OPENCLAW_KEYS="${CFG[OPENCLAW_KEYS]}" CLAWPULSE_KEY_TESTS="${CFG[KEY_TESTS]}" \
    "$REPLY" --input-type=module - "$@" < <(openclaw_hook)
}

# REPLY is the node that runs OpenClaw: named by its command, beside it, or the one in PATH.
openclaw_node() {
  local command=${CFG[OPENCLAW_COMMAND]%% *}
  REPLY=$command
  [[ ${command##*/} != node* ]] || return 0
  REPLY=$(command -v "$command") && REPLY=${REPLY%/*}/node && [[ -x $REPLY ]] || REPLY=$(command -v node)
}
