# The intake: taking files while others write, and what a kill between two steps leaves.

setup() {
  load load
  use settings journal spool intake
  OPENCLAW_VERSION='' WRITTEN='' APPLIED='' APPLY_ERROR='' EPOCH=e BATCH_AWK=$(<"$AGENT/lib/batch.awk") GRACE=1000
  declare -gA CFG=([AGENT]=a [NAME]='' [MODEL]='' [TAGS]='' [VERSIONS]='' [ATTRIBUTES]='' [HEARTBEAT_MS]=15000)
  now_ms
  uptime_ms
  intake_open
}

lines() {
  seq "$1" "$2" | awk -v now="$NOW" '{ printf "m\t%s\twork.done\t%s\n", now, $1 }' >>"$INTAKE/lines"
}

# spooled: REPLY is all values of work.done in the spool, in order.
spooled() {
  local name
  REPLY=''
  for name in "${QUEUE[@]%% *}"; do
    REPLY+=" $({ [[ $name == *.j ]] && cat "$SPOOL/$name" || gzip -dc <"$SPOOL/$name"; } | grep -o '"work.done"[^]]*]*[^]]*]' | sed 's/.*\[//; s/]//; s/,/ /g' | tr '\n' ' ')"
  done
  REPLY=$(printf '%s\n' $REPLY | tr '\n' ' ')
}

@test "all whole lines, each once" {
  lines 1 5
  intake_record ''
  intake_cut
  lines 6 8
  intake_record ''
  intake_cut
  spooled
  equal "$REPLY" '1 2 3 4 5 6 7 8 '
}

@test "a taken file is read to its end, once more after the grace, and removed" {
  TAKE_LINES=3
  lines 1 4
  exec 5>>"$INTAKE/lines"
  intake_record ''
  intake_cut
  [[ -e $TAKEN/1 && $LIVE == 2 ]]
  printf 'm\t%s\twork.done\t5\n' "$NOW" >&5
  exec 5>&-
  intake_cut
  [[ -e $TAKEN/1 ]]
  UPTIME=$((UPTIME + 1000))
  intake_cut
  [[ ! -e $TAKEN/1 ]]
  spooled
  equal "$REPLY" '1 2 3 4 5 '
}

@test "killed between the link and the fresh file" {
  lines 1 2
  ln "$INTAKE/lines" "$TAKEN/1"
  DRAINING=() LIVE=1
  intake_open
  [[ ! -e $TAKEN/1 && $LIVE == 1 ]]
  lines 3 4
  intake_record ''
  intake_cut
  spooled
  equal "$REPLY" '1 2 3 4 '
}

@test "killed between the record of a used file and its removal" {
  TAKE_LINES=1
  lines 1 2
  intake_record ''
  intake_cut
  cp "$TAKEN/1" "$BATS_TEST_TMPDIR/kept"
  UPTIME=$((UPTIME + 1000))
  intake_cut
  cp "$BATS_TEST_TMPDIR/kept" "$TAKEN/1"
  LIVE=1 USED=() QUEUE=() DRAINING=() UNREAD=()
  journal_read
  intake_open
  [[ ! -e $TAKEN/1 && $LIVE == 2 ]]
  SEQ=9
  intake_cut
  spooled
  equal "$REPLY" '1 2 '
}

@test "a file that somebody replaced is read from its beginning" {
  lines 1 50
  intake_record ''
  intake_cut
  rm "$INTAKE/lines"
  lines 51 52
  intake_record ''
  intake_cut
  intake_cut
  spooled
  [[ $REPLY == *'50 51 52 ' ]]
  grep -q 'replaced by somebody else' "$LOGGED"
}

@test "many lines make several batches in their order" {
  lines 1 9000
  intake_record ''
  intake_cut
  equal "${#QUEUE[@]}" 10
  spooled
  equal "$REPLY" "$(seq 9000 | tr '\n' ' ')"
}

@test "everybody may append to an intake that is for everybody" {
  chmod 1733 "$INTAKE"
  intake_take
  equal "$(stat -c %a "$INTAKE/lines")" 622
}

@test "what writers left out is counted" {
  printf '.....' >"$INTAKE/dropped"
  intake_cut
  grep -q '"clawpulse.dropped","times":\[0\],"values":\[5\]' "$SPOOL/e.0.j"
  equal "$DROPPED" 0
  [[ ! -e $INTAKE/dropped && ! -e $TAKEN/dropped ]]
}

@test "a file that a writer makes first is kept" {
  rm "$INTAKE/lines"
  # At the moment between the question and the answer: an ln that comes too late.
  ln() {
    lines 1 2
    command ln "$@"
  }
  intake_fresh
  unset -f ln
  intake_record ''
  intake_cut
  spooled
  equal "$REPLY" '1 2 '
}

@test "somebody else's file, which cannot be linked, is moved" {
  TAKE_LINES=1
  lines 1 3
  intake_record ''
  ln() { [[ $2 != */lines ]] && command ln "$@"; }
  intake_cut
  unset -f ln
  [[ -e $TAKEN/1 && -e $INTAKE/lines && $LIVE == 2 ]]
  lines 4 4
  intake_record ''
  intake_cut
  spooled
  equal "$REPLY" '1 2 3 4 '
}
