# API keys: fingerprints, when a key is tried, what is told of it, and JSON from Vault.

bats_require_minimum_version 1.5.0

setup() {
  load load
  use process settings answer redact desired keys key vault
  CFG=([KEYS]='anthropic,openai' [RETRY_MS]=60000)
  UPTIME=1000000
  KEY=sk-one
  # sha256 of "0a1b2c3d\nsk-one"
  ONE=0a1b2c3d-$(printf '0a1b2c3d\nsk-one' | sha256sum | cut -c 1-16)
  TWO=0a1b2c3d-0123456789abcdef
  # No process is started: what would be is in STARTED.
  keys_start() { STARTED+="$1 $2;"; }
}

@test "a fingerprint is that of the first line, without what is blank at its end" {
  local text
  for text in 'sk-one' $'sk-one\n' $'sk-one \r\n' $'sk-one\nsecond\n'; do
    printf '%s' "$text" >"$KEYS/anthropic"
    equal "$(key_print 0a1b2c3d "$KEYS/anthropic")" "$ONE"
  done
  : >"$KEYS/anthropic"
  run ! key_print 0a1b2c3d "$KEYS/anthropic"
}

@test "only the key of the fingerprint fits, and only what can be one" {
  key_fits "$ONE"
  run ! key_fits "$TWO"
  local key
  for key in '' $'sk-\none' 'sk one' $'sk-\x01'; do
    KEY=$key
    run ! key_fits "0a1b2c3d-$(printf '0a1b2c3d\n%s' "$key" | sha256sum | cut -c 1-16)"
  done
}

@test "a key is asked for when another one is named, for providers of ours" {
  printf 'sk-one' >"$KEYS/anthropic"
  WANTED_KEYS="anthropic=$ONE other=$TWO" STARTED=''
  keys_reset
  keys_check
  equal "$STARTED/${KEY_PRINT[anthropic]}" "/$ONE"
  WANTED_KEYS="anthropic=$TWO xanthropic=$ONE"
  keys_check
  equal "$STARTED" "anthropic $TWO;"
  WANTED_KEYS='' STARTED=''
  keys_check
  equal "$STARTED" ''
  WANTED_KEYS='anthropic=rubbish openai='
  keys_check
  equal "$STARTED" ''
}

@test "the key in force is given to the hooks again when they were interrupted with another one" {
  printf 'sk-one' >"$KEYS/anthropic"
  printf 'sk-two' >"$KEYS/anthropic.new"
  WANTED_KEYS="anthropic=$ONE" STARTED=''
  keys_check
  equal "$STARTED" "anthropic $ONE;"
  keys_report
  equal "$KEYS_TOLD" $'anthropic\t\t\t\nopenai\t\t\t\n'
}

@test "what was refused is told at once, and tried after 30 s, 1, 2 ... 15 min" {
  local pauses='' i
  keys_consider anthropic "$TWO"
  for i in {1..7}; do
    keys_failed anthropic "$TWO" refused '10-test: no'
    pauses+=$(((KEY_NEXT[anthropic] - UPTIME) / 1000))' '
  done
  equal "$pauses" '30 60 120 240 480 900 900 '
  equal "${KEY_ERROR[anthropic]}" "$TWO: 10-test: no"
  keys_consider anthropic "$ONE"
  equal "${KEY_NEXT[anthropic]}" 0
}

@test "a source that is away is asked after 5, 10, 20, 40, 60 s, and told after a minute with when" {
  local pauses='' i
  keys_consider anthropic "$TWO"
  for i in {1..6}; do
    keys_failed anthropic "$TWO" away 'no answer'
    pauses+=$(((KEY_NEXT[anthropic] - UPTIME) / 1000))' '
    [[ -z ${KEY_ERROR[anthropic]-} ]]
  done
  equal "$pauses" '5 10 20 40 60 60 '
  UPTIME=$((UPTIME + 60000))
  keys_failed anthropic "$TWO" away 'no answer'
  equal "${KEY_ERROR[anthropic]}" "$TWO: no answer (tried again in 60 s)"
  equal "$(grep -c 'no answer' "$LOGGED")" 1
}

@test "an error is short, and when it is tried again still its end" {
  local long
  printf -v long '%300s' x
  keys_consider anthropic "$TWO"
  UPTIME=$((UPTIME + 60000))
  keys_failed anthropic "$TWO" away "$long"
  ((${#KEY_ERROR[anthropic]} <= 256))
  [[ ${KEY_ERROR[anthropic]} == *' (tried again in 5 s)' ]]
}

@test "texts of JSON by their place" {
  local place expected
  BODY='{"request_id":"x","data":{"a":{"key":"inner"},"data":{"b":[{"key":"listed"},"key"],"created":17,"id":null,"key":"sk-\"a\\b\/\u003c\u0026c{}[],:","ok":true},"metadata":{"key":"meta"}},"errors":["1 error:\n\t* first\n","second"],"auth":{"client.token":"dotted","client_token":"hvs.x"}}'
  while IFS='|' read -r place expected; do
    json_at "$place" || REPLY=none
    equal "$REPLY" "$expected"
  done <<'END'
data.data.key|sk-"a\b/<&c{}[],:
data.metadata.key|meta
auth.client_token|hvs.x
errors.|1 error:  * first 
data.data.id|none
data.data.created|none
data.key|none
key|none
nothing|none
END
  for BODY in '' '[' '{"data":' 'no JSON' '{"data":{"data":{"key":"\u00e4"}}}' '{"data":{"data":{"key":"open'; do
    run ! json_at data.data.key
  done
}
