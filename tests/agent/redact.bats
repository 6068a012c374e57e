# What looks like a key does not leave the host.

setup() {
  load load
  use redact
}

# hidden TEXT EXPECTED
hidden() {
  redact "$1"
  equal "$REPLY" "$2"
}

@test "after a name that says so" {
  hidden 'login with password=hunter2 failed' 'login with password=[redacted] failed'
  hidden '{"apiKey": "abcd1234", "n": 1}' '{"apiKey": "[redacted]", "n": 1}'
  hidden 'Authorization: Bearer abc.def.ghi' 'Authorization: Bearer [redacted]'
  hidden 'sent Bearer abcdefgh twice: token=aaaa token=bbbb' 'sent Bearer [redacted] twice: token=[redacted] token=[redacted]'
  hidden 'CLIENT_SECRET : s3cr3t' 'CLIENT_SECRET : [redacted]'
}

@test "what begins as keys do, or is long and mixed" {
  hidden 'key sk-ant-api03-abcdef used' 'key [redacted] used'
  hidden 'cp_abc123_defghi' '[redacted]'
  hidden 'ghp_abcdefgh1234, AKIAABCDEFGH1234; eyJhbGciOi.eyJzdWIi.sig' '[redacted], [redacted]; [redacted]'
  hidden 'id 0123456789abcdef0123456789abcdef' 'id [redacted]'
}

@test "plain words stay" {
  hidden 'ERROR Authentication failed: the token expired at 12:30, run 42 of /var/lib/openclaw' 'ERROR Authentication failed: the token expired at 12:30, run 42 of /var/lib/openclaw'
  hidden 'an-extraordinarily-long-name-of-a-thing' 'an-extraordinarily-long-name-of-a-thing'
}

@test "one line, ASCII, bounded" {
  hidden $'a\tb\nc\xc3\xa4' 'a b c  '
  redact "$(printf '%5000s' x)"
  equal "${#REPLY}" 1000
}
