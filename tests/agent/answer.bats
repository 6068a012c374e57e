# What the server's answers mean: the table in sdk/WIRE.md.

setup() {
  load load
  use journal curl answer deliver
  declare -gA CFG=([RETRY_MS]=60000 [URL]=https://host/live)
}

# judged STATUS AFTER FAILURES CHANCE
judged() {
  judge "$@"
  REPLY="$ACTION $DELAY"
}

@test "2xx: delivered; other 4xx: dropped" {
  local status
  for status in 200 202 204; do judged "$status" '' 0 500; equal "$REPLY" 'delivered 0'; done
  for status in 400 409 413 422; do judged "$status" '' 0 500; equal "$REPLY" 'drop 0'; done
}

@test "faults of the server: a random part of 1, 2, 4 ... 60 s" {
  local status
  for status in 0 408 425 429 500 502 503 504; do
    judged "$status" '' 0 999; equal "$REPLY" 'retry 999'
    judged "$status" '' 3 500; equal "$REPLY" 'retry 4000'
    judged "$status" '' 50 500; equal "$REPLY" 'retry 30000'
    judged "$status" '' 9 0; equal "$REPLY" 'retry 0'
  done
}

@test "Retry-After is honoured, five minutes at most" {
  judged 503 7 0 0; equal "$REPLY" 'retry 7000'
  judged 429 007 5 999; equal "$REPLY" 'retry 7699'
  judged 503 9999 0 0; equal "$REPLY" 'retry 300000'
}

@test "a token or an address that somebody has to mend: half a minute to a minute" {
  local status
  for status in 301 302 401 403 404 405 407; do
    judged "$status" 1 9 0; equal "$REPLY" 'retry 30000'
    judged "$status" '' 0 1000; equal "$REPLY" 'retry 60000'
  done
}

@test "an answer is read with its head, its words and what curl said" {
  answer_parse $'HTTP/1.1 503 Service Unavailable\r\nretry-AFTER:  12 \r\nX: y\r\n\r\n{"detail": "the store \\"x\\" sleeps"}\n@@ 503 .'
  equal "$STATUS/$RETRY_AFTER/$REASON" '503/12/status 503: the store \"x\" sleeps'
  answer_parse $'curl: (6) Could not resolve host: nowhere\n\n@@ 000 .'
  equal "$STATUS/$RETRY_AFTER/$REASON" '0//Could not resolve host: nowhere'
  answer_parse ''
  equal "$STATUS" 0
  answer_parse $'HTTP/1.1 429 Too Many\r\nRetry-After: Fri, 31 Dec 2027 23:59:59 GMT\r\n\r\n\n@@ 429 .'
  equal "$STATUS/$RETRY_AFTER" '429/'
}

@test "a good answer: rejected points, configuration, the clock" {
  now_ms
  BODY="{\"accepted\": 1, \"rejected\": [{\"reason\": \"tag \\\"desired\\\": is, bad\"}], \"rejectedCount\":2,\"desired\": \"0af.1\",\"time\":$((NOW + 90000))}"
  answer_heed
  equal "$REJECTED/$WANTED" '2/0af.1'
  ((SKEW > 80000 && SKEW <= 90000))
  grep -q 'the server rejected a point: tag' "$LOGGED"
  grep -q "more than a minute" "$LOGGED"
  equal "$(<"$JOURNAL")" 'J 2 .'
  BODY='{"rejectedCount":0,"desired":null}'
  answer_heed
  equal "$WANTED" ''
  BODY='{"desired":"a b"}'
  answer_heed
  equal "$WANTED" ''
}

@test "a good answer names keys by their fingerprints, or none" {
  BODY='{"desired":null,"desiredKeys":"anthropic=0a1b2c3d-0123456789abcdef my-llm=0a1b2c3d-0123456789abcdef"}'
  answer_heed
  equal "$WANTED/$WANTED_KEYS" '/anthropic=0a1b2c3d-0123456789abcdef my-llm=0a1b2c3d-0123456789abcdef'
  for BODY in '{"desiredKeys":""}' '{}' '{"desiredKeys":"a=$(id)"}' '{"desiredKeys":7}'; do
    WANTED_KEYS=before
    answer_heed
    equal "$WANTED_KEYS" ''
  done
}
