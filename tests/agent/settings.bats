# Settings: where they come from, and what is wrong with them.

bats_require_minimum_version 1.5.0

setup() {
  load load
  use settings
  unset "${!CLAWPULSE_@}"
  printf 'CLAWPULSE_URL=https://host/live\nCLAWPULSE_TOKEN=cp_a_b\n' >"$CONFIG_FILE"
}

@test "the file: quotes, comments, spaces; nothing in it runs" {
  cat >>"$CONFIG_FILE" <<END
# a comment
export CLAWPULSE_NAME="Seven of Nine"
  CLAWPULSE_MODEL='some #model'
CLAWPULSE_TAGS=env=prod,tier=fast
CLAWPULSE_LOGS=\$(touch $BATS_TEST_TMPDIR/ran)
CLAWPULSE_COLOUR=red
rm -rf something
END
  settings_load
  equal "${CFG[NAME]}|${CFG[MODEL]}|${CFG[TAGS]}" 'Seven of Nine|some #model|env=prod,tier=fast'
  [[ ! -e $BATS_TEST_TMPDIR/ran ]]
  grep -q 'line 8: there is no setting CLAWPULSE_COLOUR' "$LOGGED"
  grep -q 'line 9 is not like' "$LOGGED"
}

@test "the environment goes before the file, the file before the defaults" {
  printf 'CLAWPULSE_AGENT=from-file\nCLAWPULSE_HEARTBEAT_SECONDS=0.25\n' >>"$CONFIG_FILE"
  CLAWPULSE_AGENT=from-environment settings_load
  equal "${CFG[AGENT]} ${CFG[HEARTBEAT_MS]} ${CFG[TIMEOUT_MS]} ${CFG[SPOOL_BYTES]}" 'from-environment 250 10000 67108864'
}

@test "the agent is named after its host" {
  HOSTNAME='-häst 1.local' settings_load
  [[ ${CFG[AGENT]} == h--st-1.local ]]
}

@test "a fault is named, and the settings before it stay" {
  local fault reason
  settings_load
  while IFS='|' read -r fault reason; do
    : >"$LOGGED"
    printf 'CLAWPULSE_URL=https://host/live\n%s\n' "$fault" >"$CONFIG_FILE"
    if settings_load; then printf 'taken: %s\n' "$fault"; return 1; fi
    grep -q "$reason" "$LOGGED" || { printf '%s: %s\n' "$fault" "$(<"$LOGGED")"; return 1; }
    equal "${CFG[URL]}" 'https://host/live'
  done <<'END'
CLAWPULSE_URL=ftp://host|CLAWPULSE_URL must be
CLAWPULSE_URL=https://user:secret@host|CLAWPULSE_URL must be
CLAWPULSE_URL=https://host/a?b|CLAWPULSE_URL must be
CLAWPULSE_AGENT=-x|CLAWPULSE_AGENT must
CLAWPULSE_TOKEN=a b|CLAWPULSE_TOKEN has
CLAWPULSE_TAGS=env|CLAWPULSE_TAGS must
CLAWPULSE_HEARTBEAT_SECONDS=soon|CLAWPULSE_HEARTBEAT_SECONDS must
CLAWPULSE_HEARTBEAT_SECONDS=0|CLAWPULSE_HEARTBEAT_SECONDS must
CLAWPULSE_SPOOL_BYTES=1000|at least 65536
CLAWPULSE_TOKEN_FILE=/nowhere|cannot be read
END
}

@test "times are seconds with a fraction" {
  local text expected
  while read -r text expected; do
    to_ms "$text"
    equal "$REPLY" "$expected"
  done <<'END'
15 15000
0.05 50
08 8000
1.0009 1000
END
  run ! to_ms -1
  run ! to_ms 1e3
  run ! to_ms .5
}

@test "settings of keys: names of providers, and what Vault needs" {
  local fault reason
  printf 'CLAWPULSE_URL=https://host/live\nCLAWPULSE_KEYS=anthropic,my-llm-2\nCLAWPULSE_KEY_TESTS=my-llm-2=http://h:1/v1/models,openai=\n' >"$CONFIG_FILE"
  settings_load
  equal "${CFG[KEYS]}/${CFG[KEY_SOURCE]}/${CFG[VAULT_MOUNT]}/${CFG[VAULT_WORKSPACE]}" 'anthropic,my-llm-2/api/secret/default'
  while IFS='|' read -r fault reason; do
    : >"$LOGGED"
    printf 'CLAWPULSE_URL=https://host/live\nCLAWPULSE_KEYS=anthropic\n%b\n' "$fault" >"$CONFIG_FILE"
    if settings_load; then printf 'taken: %s\n' "$fault"; return 1; fi
    grep -q "$reason" "$LOGGED" || { printf '%s: %s\n' "$fault" "$(<"$LOGGED")"; return 1; }
  done <<'END'
CLAWPULSE_KEYS=Anthropic|CLAWPULSE_KEYS must be
CLAWPULSE_KEYS=a,b,c,d,e,f,g,h,i|at most 8
CLAWPULSE_KEYS=../x|CLAWPULSE_KEYS must be
CLAWPULSE_OPENCLAW_KEYS=a b|CLAWPULSE_OPENCLAW_KEYS must be
CLAWPULSE_KEY_TESTS=anthropic|CLAWPULSE_KEY_TESTS must be
CLAWPULSE_KEY_TESTS=anthropic=https://user:x@host/|CLAWPULSE_KEY_TESTS must be
CLAWPULSE_KEY_SOURCE=file|must be api or vault
CLAWPULSE_KEY_SOURCE=vault|CLAWPULSE_VAULT_ADDRESS must be
CLAWPULSE_KEY_SOURCE=vault\nCLAWPULSE_VAULT_ADDRESS=https://v:8200|CLAWPULSE_VAULT_ROLE_ID is not set
CLAWPULSE_KEY_SOURCE=vault\nCLAWPULSE_VAULT_ADDRESS=https://v:8200\nCLAWPULSE_VAULT_ROLE_ID=r|CLAWPULSE_VAULT_SECRET_ID_FILE is not set
CLAWPULSE_KEY_SOURCE=vault\nCLAWPULSE_VAULT_ADDRESS=https://v:8200\nCLAWPULSE_VAULT_ROLE_ID=r\nCLAWPULSE_VAULT_SECRET_ID_FILE=/s\nCLAWPULSE_VAULT_SHARD=a?b|CLAWPULSE_VAULT_SHARD may have
END
}
