# The journal: what the agent knows after a kill at any byte.

setup() {
  load load
  use journal
}

forget() {
  LIVE=1 DROPPED=0 REJECTED=0 USED=() QUEUE=() TAIL=()
}

known() {
  local i
  REPLY="live $LIVE dropped $DROPPED rejected $REJECTED"
  for i in "${!USED[@]}"; do REPLY+=" used $i:${USED[i]}"; done
  for i in "${!QUEUE[@]}"; do REPLY+=" [${QUEUE[i]}]"; done
}

@test "records add up" {
  journal_append C e.0.j 10 0 4096 111 0 1:10
  journal_append C e.1.z 20 0 8192 222 0 1:30 2:5
  journal_append X e.0.j 10
  journal_append L 3
  journal_append J 4
  journal_append C e.2.j 1 13 4096 333 4 2:7
  journal_append R 1
  journal_append T 77 1000 /var/log/a b.log
  journal_read
  known
  equal "$REPLY" 'live 2 dropped 0 rejected 0 used 1:-1 used 2:7 [e.1.z 20 0 8192 222] [e.2.j 1 13 4096 333]'
  equal "${TAIL[/var/log/a b.log]}" '77 1000'
}

@test "a fresh journal knows the same" {
  journal_append L 9
  journal_append J 3
  journal_append C e.0.j 10 7 4096 111 2 3:10
  journal_append X e.0.j 17
  journal_append C e.1.j 5 0 4096 222 0 3:15
  journal_append T 77 1000 /x
  forget
  journal_read
  known
  before=$REPLY
  equal "$before" 'live 3 dropped 19 rejected 1 used 3:15 [e.1.j 5 0 4096 222]'
  journal_compact
  forget
  journal_read
  known
  equal "$REPLY" "$before"
  equal "${TAIL[/x]}" '77 1000'
}

@test "cut off at any byte, whole records count and half ones do not" {
  local whole i
  journal_append C e.0.j 10 0 4096 111 0 1:10
  journal_append C e.1.j 20 0 4096 222 0 1:30
  whole=$(<"$JOURNAL")
  for ((i = 0; i <= ${#whole}; i++)); do
    printf '%s' "${whole:0:i}" >"$JOURNAL"
    JOURNAL_TORN=$'\n'
    journal_append L 5
    forget
    journal_read
    equal "$DROPPED" 5
    [[ ${#QUEUE[@]} == $((i >= ${#whole} ? 2 : i >= ${#whole} / 2 ? 1 : 0)) ]] || { printf '%s: %s\n' "$i" "${QUEUE[*]}"; return 1; }
  done
}

@test "what is no record is nobody's program" {
  printf 'C e.0.j a[$(touch %s/ran)] 0 4096 1 0 1:1 .\nX e.0.j x .\nL 1e5 .\n\n. .\n' "$BATS_TEST_TMPDIR" >"$JOURNAL"
  journal_read
  known
  equal "$REPLY" 'live 1 dropped 0 rejected 0'
  [[ ! -e $BATS_TEST_TMPDIR/ran ]]
}
