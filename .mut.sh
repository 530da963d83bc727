run() { # file, sed expr, tests, -k
  cp "$1" .orig; sed -i "$2" "$1"; cmp -s "$1" .orig && echo "NO CHANGE $2"
  nice -n 19 .venv/bin/pytest $3 -q -x -k "$4" --basetemp=/dev/shm/ops/mut 2>&1 | grep -E "^FAILED|passed|failed" | tail -2 | cut -c1-160
  cp .orig "$1"; rm .orig; }
T=src/toottail/repository/transfer.py; M=src/toottail/repository/migrations.py
run $T 's/isolation="repeatable_read", readonly=True/isolation="read_committed"/' tests/repository/test_transfer.py after_the_moment
run $T 's/ENABLE TRIGGER USER/DISABLE TRIGGER USER/' tests/repository/test_transfer.py guards
run $T 's/if not copied == found == rows:/if False:/' tests/repository/test_transfer.py lost_on_the_way
run $T 's/await queue.put(error)/pass/' tests/repository/test_transfer.py wrong_at_the_source
run $T 's/"SELECT setval(quote_ident($1)::regclass, $2, $3)"/"SELECT $1::text, $2::bigint, $3::bool"/' tests/repository/test_transfer.py sequences
run $M 's/    if told and await connection.fetchval(_MUST_KNOW, known) <= known:/    if told:/' tests/repository/test_migrations.py "contraction or before_there"
run $M 's/limit = "0" if step.by_itself else f"{LOCK_TIMEOUT:g}s"/limit = "0"/' tests/repository/test_migrations.py in_use
run $M "s/await connection.execute(f'DROP INDEX CONCURRENTLY/print(f'DROP INDEX CONCURRENTLY/" tests/repository/test_migrations.py broken_off
