# clawpulse.sh: what cp_metric and cp_event write.

setup() {
  load load
  export CLAWPULSE_HOME=$BATS_TEST_TMPDIR/home
  # shellcheck source=/dev/null
  source "$AGENT/clawpulse.sh"
  LINES_FILE=$CLAWPULSE_HOME/intake/lines
}

# wrote: REPLY is the last line, its time replaced.
wrote() {
  REPLY=$(tail -n 1 "$LINES_FILE")
  [[ $REPLY =~ ^([meg]$'\t')([0-9]{13})($'\t'.*)$ ]] && REPLY="${BASH_REMATCH[1]}TIME${BASH_REMATCH[3]}"
}

@test "a metric and an event" {
  cp_metric fleet.active_workers 12 --tag tier=fast --tag shard=eu-west-1
  wrote
  equal "$REPLY" $'m\tTIME\tfleet.active_workers\t12\ttier=fast\tshard=eu-west-1'
  cp_event task.failed --payload '{"err":"boom"}' --tag=task_id=1
  wrote
  equal "$REPLY" $'e\tTIME\ttask.failed\t{"err":"boom"}\ttask_id=1'
  cp_event fleet.heartbeat
  wrote
  equal "$REPLY" $'e\tTIME\tfleet.heartbeat\t'
  cp_metric x -1.5e3 --time 1795694400000
  equal "$(tail -n 1 "$LINES_FILE")" $'m\t1795694400000\tx\t-1.5e3'
}

@test "control characters cannot make lines or fields" {
  cp_metric x 1 --tag $'a=1\tb=2\nc'
  wrote
  equal "$REPLY" $'m\tTIME\tx\t1\ta=1 b=2 c'
}

@test "nothing fails the caller, whatever its options are" {
  run bash -c 'set -euo pipefail; IFS=,; shopt -s extglob nocasematch; source "$0"; cp_metric; cp_metric x; cp_metric x y; cp_event; cp_event x --tag; cp_event x --payload; cp_metric x 1 --time soon; cp_metric "a b" 1; echo end' "$AGENT/clawpulse.sh"
  equal "$status" 0
  equal "${lines[-1]}" end
  equal "$(grep -c 'clawpulse.invalid' "$LINES_FILE")" 7
}

@test "what cannot be written is told once, counted, and reported later" {
  cp_metric x 1
  rm "$LINES_FILE"
  mkdir "$LINES_FILE"
  run bash -c 'source "$0"; for i in 1 2 3; do cp_metric x $i; done; rmdir "$1"; cp_metric x 4' "$AGENT/clawpulse.sh" "$LINES_FILE"
  equal "$status" 0
  equal "${#lines[@]}" 1
  [[ ${lines[0]} == *'cannot write to'* ]]
  equal "$(cut -f 3,4 "$LINES_FILE" | grep .)" $'clawpulse.dropped\t3\nx\t4'
}

@test "a line has 4,000 bytes at most" {
  local wide
  printf -v wide '%3900s' ''
  cp_event x --payload "{\"a\":\"${wide// /b}\"}"
  equal "$(tail -n 1 "$LINES_FILE" | wc -c | tr -d ' ')" 3927
  cp_event x --payload "{\"a\":\"${wide// /b}$wide\"}" 2>/dev/null
  wrote
  [[ $REPLY == *$'\tclawpulse.invalid\t1' ]]
}

@test "a full intake takes no more and counts what it did not take" {
  CLAWPULSE_INTAKE_BYTES=2000 bash -c 'source "$0"; for i in {1..200}; do cp_metric work.done $i; done' "$AGENT/clawpulse.sh"
  written=$(grep -c work.done "$LINES_FILE")
  missed=$(wc -c <"$CLAWPULSE_HOME/intake/dropped")
  equal $((written + missed)) 200
  ((written < 130))
}

@test "the state is the user's own, else the system's, else what CLAWPULSE_HOME says" {
  _cp_find_home
  equal "$_cp_home" "$CLAWPULSE_HOME"
  unset CLAWPULSE_HOME
  _cp_find_home
  ((EUID != 0)) || equal "$_cp_home" /var/lib/clawpulse
}
