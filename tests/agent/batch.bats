# batch.awk: lines in, batches out, the same with every awk that is here.

setup() {
  load load
  export CP_NOW=1795694400000 CP_SEQ=5 CP_EPOCH=e CP_AGENT=a CP_HOST=h CP_BATCHES=4 CP_ATTRIBUTES=task_id
}

# batches LINE...: what awk makes of lines, the closing empty one included; fails when awks disagree. Or of lines made by a pipe.
batches() {
  local awk out first=''
  if (($#)); then printf '%s\n' "$@" ''; else cat; fi >"$BATS_TEST_TMPDIR/lines"
  for awk in mawk gawk original-awk 'busybox awk'; do
    command -v "${awk%% *}" >/dev/null || continue
    # shellcheck disable=SC2086
    out=$($awk -f "$AGENT/lib/batch.awk" n=7 "skip=${SKIP:-0}" "$BATS_TEST_TMPDIR/lines") || return 1
    [[ -z $first || $first == "$out" ]] || { printf '%s differs:\n%s\n%s\n' "$awk" "$first" "$out"; return 1; }
    first=$out
  done
  ALL=$out META=${out%%$'\n'*} JSON=${out#*$'\n'} END=${out##*$'\n'}
  JSON=${JSON:0:${META%% *}}
  META=${META#* }
}

@test "an empty line makes a heartbeat" {
  batches ''
  equal "$META" "0 0 0 7:1"
  equal "$JSON" '{"v":1,"agent":"a","epoch":"e","seq":5,"time":1795694400000,"tags":{},"info":{"host":"h","versions":{},"config":{}}}'
  equal "$END" "end 7:2:0"
}

@test "keys are told by fingerprint, time of use and error" {
  CP_KEYS=$'anthropic\t0a1b2c3d-0123456789abcdef\t1795694400000\t\nopenai\t\t\tno "key"\nother\t\t\t\n' batches ''
  [[ $JSON == *',"keys":{"anthropic":{"fingerprint":"0a1b2c3d-0123456789abcdef","used":1795694400000},"openai":{"error":"no \"key\""},"other":{}}}}' ]]
}

@test "a series is named once, attributes make no series" {
  batches $'m\t1795694399000\twork.done\t1\ttier=fast\ttask_id=t1' $'m\t1795694399500\twork.done\t2.5\ttier=fast\ttask_id=t2'
  equal "$META" "2 2 0 7:2"
  [[ $JSON == *'"series":[{"name":"work.done","tags":{"tier":"fast"},"times":[-1000,-500],"values":[1,2.5],"attributes":{"task_id":["t1","t2"]}}]}' ]]
}

@test "the agent's own gauges are no user's points" {
  batches $'g\t1795694399000\tagent.cpu\t1'
  equal "$META" "1 0 0 7:1"
}

@test "the last line waits: its writer may not be done" {
  printf 'm\t1795694399000\twork.done\t1\nm\t1795694399000\twork.do' >"$BATS_TEST_TMPDIR/lines"
  out=$(awk -f "$AGENT/lib/batch.awk" n=7 skip=0 "$BATS_TEST_TMPDIR/lines")
  [[ ${out%%$'\n'*} == *' 1 1 0 7:1' ]]
  equal "${out##*$'\n'}" "end 7:2:1"
}

@test "used lines are skipped" {
  SKIP=2 batches $'m\t1795694399000\twork.done\t1' $'m\t1795694399000\twork.done\t2' $'m\t1795694399000\twork.done\t3'
  equal "$META" "1 1 0 7:3"
  [[ $JSON == *'"values":[3]'* ]]
}

@test "numbers are JSON's" {
  local text expected values=''
  local -a all=()
  while read -r text expected; do
    all+=($'m\t1795694399000\tx\t'"$text")
    values+=,$expected
  done <<'END'
1 1
-0.5 -0.5
+7 7
.25 0.25
5. 5
007 7
1e5 1e5
1E-3 1E-3
-0 -0
END
  batches "${all[@]}"
  [[ $JSON == *"\"values\":[${values:1}]"* ]]
}

@test "what is no number, or no finite one, is counted as invalid" {
  local text
  local -a all=()
  for text in '' nan inf 0x10 1e999 -1e999 1e291 1,5 '1 ' --1 1e '5"'; do all+=($'m\t1795694399000\tx\t'"$text"); done
  batches "${all[@]}"
  equal "$META" "0 0 0 7:12"
  [[ $JSON == *'"series":[{"name":"clawpulse.invalid","times":[0],"values":[12]}]}' ]]
}

@test "names, times and kinds that cannot be are counted as invalid" {
  batches 'nonsense' $'m\t1795694399000\t9x\t1' $'m\tnow\tx\t1' $'q\t1\tx\t1' $'m\t1795694399000' $'m\t1795694399000\ta b\t1'
  [[ $JSON == *'"series":[{"name":"clawpulse.invalid","times":[0],"values":[6]}]}' ]]
}

@test "a fault in a tag costs the tag" {
  batches $'m\t1795694399000\tx\t1\t=1\tb=\t1c=2\tgood=yes\tnone'
  equal "$META" "1 1 0 7:1"
  [[ $JSON == *'{"name":"x","tags":{"good":"yes"},"times":[-1000],"values":[1]},{"name":"clawpulse.invalid","times":[0],"values":[4]}'* ]]
}

@test "texts are escaped, bytes that are no UTF-8 replaced, control characters spaces" {
  batches $'m\t1795694399000\tx\t1\ta=q"\\b\tb=\xc3\xa4\xff\xed\xa0\x80\tc=1\x012\x7f3\xc2\x854'
  [[ $JSON == *'"tags":{"a":"q\"\\b","b":"ä'$'\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd''","c":"1 2 3 4"}'* ]]
}

@test "texts are cut at 256 characters, not bytes" {
  local long
  printf -v long '%300s' ''
  batches $'m\t1795694399000\tx\t1\ta='"${long// /ä}"
  equal "$(grep -o ä <<<"$JSON" | wc -l | tr -d ' ')" 256
}

@test "payloads are JSON objects or left out and counted" {
  local text
  local -a good=('{}' '{"a":[1,-2.5e3,true,false,null,"x\"\\\u00e4\n",{"b":[]}]}' '{ "S" : "V", "a" : [ ] }') bad=('[]' 1 '"x"' '{' '{"a"}'
    '{"a":}' '{"a":01}' '{"a":1,}' '{a:1}' "{'a':1}" '{"a":"\x"}' '{"a":"\u12"}' '{"a":1 2}' '{}{}' '{S:V}' '{"a":tru}' '{"a":V}' '{"a":-}'
    "{\"a\":$(printf '[%.0s' {1..70})$(printf ']%.0s' {1..70})}")
  local -a all=()
  for text in "${good[@]}" "${bad[@]}"; do all+=($'e\t1795694399000\tx\t'"$text"); done
  batches "${all[@]}"
  [[ $JSON == *"\"payloads\":[${good[0]},${good[1]},${good[2]}]}"* ]]
  [[ $JSON == *"\"clawpulse.invalid\",\"times\":[0],\"values\":[${#bad[@]}]"* ]]
  equal "$META" "22 22 0 7:22"
}

@test "what is too old is reported as dropped with what was dropped before" {
  CP_DROPPED=3 batches $'m\t1795607999999\tx\t1' $'m\t1795608000000\tx\t2'
  equal "$META" "1 1 4 7:2"
  [[ $JSON == *'{"name":"clawpulse.dropped","times":[0],"values":[4]}'* ]]
}

# metrics COUNT FORMAT: so many lines; the format gets their number twice. Loops are slow in bats.
metrics() {
  seq "$1" | awk -v format="$2" '{ printf format "\n", $1, $1 } END { print "" }'
}

@test "a batch ends at 990 points, 97 series, 290 minutes, 900 kB; the next goes on" {
  local wide
  printf -v wide '%3000s' ''
  batches < <(metrics 1000 'm\t1795694399000\tx\t%d')
  equal "$META" "990 990 0 7:990"
  batches < <(metrics 110 'm\t1795694399000\tx%d\t%d')
  equal "$META" "97 97 0 7:97"
  batches < <(seq 0 300 | awk '{ printf "m\t%.0f\tx\t1\n", 1795694399000 - $1 * 60000 }')
  equal "$META" "291 291 0 7:291"
  batches < <(metrics 310 'e\t1795694399000\tx\t{"a":"'"$wide"'"}')
  ((${#JSON} > 800000 && ${#JSON} < 1000000))
}

@test "a task's tokens and its cost come in one batch" {
  local before
  for before in 897 899 900 989; do
    batches < <({ metrics "$before" 'm\t1795694399000\tx\t%d' | sed '$d'; printf 'm\t1795694399000\t%s\t1\ttask_id=t1\n' task.tokens_in task.cost_usd; echo; })
    ((before < 900)) && equal "$META" "$((before + 2)) $((before + 2)) 0 7:$((before + 2))" || equal "$META" "$before $before 0 7:$before"
  done
}

@test "a task that has begun goes on to the batch's end, also among others" {
  batches < <({ metrics 898 'm\t1795694399000\tx\t%d' | sed '$d'; for name in tokens_in cost_usd; do for task in t1 t2; do printf 'm\t1795694399000\ttask.%s\t1\ttask_id=%s\n' "$name" "$task"; done; done; metrics 200 'm\t1795694399000\tx\t%d'; })
  equal "$META" "990 990 0 7:990"
  [[ $JSON == *'"task.cost_usd","times":[-1000,-1000],"values":[1,1],"attributes":{"task_id":["t1","t2"]}'* ]]
}

@test "what the agent tells of itself takes nothing from the point that the next batch begins with" {
  CP_DROPPED=3 batches < <({ metrics 990 'm\t1795694399000\tx\t%d' | sed '$d'; printf 'm\t1795694399000\ty\t1\ttier=fast\ttask_id=t1\n\n'; })
  [[ $ALL == *'{"name":"y","tags":{"tier":"fast"},"times":[-1000],"values":[1],"attributes":{"task_id":["t1"]}}'* ]]
}

@test "no more batches than asked for; the rest waits" {
  CP_BATCHES=2 batches < <(metrics 2500 'm\t1795694399000\tx\t1')
  equal "$END" "end 7:1981:1 more"
  equal "$META" "990 990 0 7:990"
}
