# The command: help, names, versions; in the source tree and as one file.

setup() {
  load load
  "$AGENT/build" "$BATS_TEST_TMPDIR/out"
}

each() {
  local program
  for program in "$AGENT/bin/clawpulse-agent" "$BATS_TEST_TMPDIR/out/clawpulse-agent"; do
    run "$program" "$@"
    check || { printf '%s\n' "$program: $status" "$output"; return 1; }
  done
}

@test "help lists every command, and tells about one" {
  check() { ((status == 0)) && [[ $(grep -c '^clawpulse-agent ' <<<"$output") == 11 ]]; }
  each help
  check() { [[ ${lines[0]} == 'clawpulse-agent flush [SECONDS]' && ${#lines[@]} == 2 ]]; }
  each help flush
}

@test "every command that is dispatched has help" {
  local command
  for command in $(sed -n 's/^    \(metric | .*\)) "cmd_.*/\1/p' "$AGENT/bin/clawpulse-agent" | tr -d '|') run; do
    [[ $command == apply || $command == key ]] || grep -q "^# Usage: clawpulse-agent $command\b" "$AGENT"/lib/*.bash
  done
}

@test "what is no command is named" {
  check() { ((status == 1)) && [[ $output == *"there is no command 'walk'"* ]]; }
  each walk
}

@test "the version is the project's" {
  local version
  version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' "$AGENT/../sdk/src/clawpulse/_version.py")
  check() { equal "$output" "$version"; }
  each version
}

@test "the same sources give the same bytes" {
  "$AGENT/build" "$BATS_TEST_TMPDIR/again"
  cmp "$BATS_TEST_TMPDIR/out/clawpulse-agent" "$BATS_TEST_TMPDIR/again/clawpulse-agent"
  grep -q '@URL@' "$BATS_TEST_TMPDIR/out/install.sh"
  equal "$(ls "$BATS_TEST_TMPDIR/out" | tr '\n' ' ')" 'clawpulse-agent clawpulse.sh install.sh '
}
