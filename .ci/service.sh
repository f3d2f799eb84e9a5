#!/usr/bin/env bash
# `mesh service` with a real systemd: the manager of a user, in a mount namespace and a cgroup of its own, without one for
# the machine. The data folder has a name that systemd would read otherwise if it were not quoted. Needs root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
USER_ID=4242 # nobody has it; the manager asks for no name

fail() { echo "FAILED: $*"; exit 1; }

as_user() {
  local home=$1 data
  data="$home/da ta%h \$x \"q\" é"
  export HOME=$home XDG_RUNTIME_DIR=/run/user/$USER_ID
  cd "$home"
  /lib/systemd/systemd --user --log-target=console >manager.log 2>&1 &
  manager=$!
  trap 'kill "$manager" 2>/dev/null; wait' EXIT # it takes its services along
  for _ in $(seq 300); do [ -S "$XDG_RUNTIME_DIR/systemd/private" ] && break; sleep 0.1; done
  [ -S "$XDG_RUNTIME_DIR/systemd/private" ] || { cat manager.log; fail "the manager of a user does not start here"; }
  mkdir -p .config/openclaw-messaging
  printf 'HOST=127.0.0.1\nPORT=0\nMESH_API_PORT=0\nMESH_BOOTSTRAP_URL=\n' >.config/openclaw-messaging/mesh.env
  mesh() { "$NODE" "$MESH" "$@"; }

  if mesh service status; then fail "a service before the installation"; fi
  mesh service install --data "$data"
  systemctl --user is-enabled mesh.service
  mesh service status
  mesh status --data "$data" | grep Identity
  mesh logs --data "$data" | grep 'daemon started'
  [ "$(systemctl --user show --value -p MainPID mesh.service)" = "$(mesh service status --json | grep -o '"pid":[0-9]*' | cut -d: -f2)" ]
  mesh service install --data "$data" | grep 'installed already'
  if mesh service install --data "$home/other"; then fail "a second folder took the service"; fi

  echo "--- killed, it comes again by itself"
  local pid
  pid=$(systemctl --user show --value -p MainPID mesh.service)
  kill -9 "$pid"
  for _ in $(seq 300); do mesh status --data "$data" >/dev/null 2>&1 && break; sleep 0.1; done
  mesh status --data "$data" | grep Identity

  echo "--- stopped, it stays so, until it is installed again"
  mesh stop --data "$data"
  if mesh service status; then fail "it runs after mesh stop"; fi
  mesh service install --data "$data" | grep 'runs (process'

  echo "--- a daemon that cannot start is told"
  mesh stop --data "$data"
  chmod 644 "$data/token"
  if mesh service install --data "$data" 2>error.txt; then fail "a daemon with an open token runs"; fi
  grep 'ended at once' error.txt
  mesh logs --level fatal --data "$data" | grep key_exposed
  chmod 600 "$data/token"

  echo "--- removed, and uninstalled"
  mesh service install --data "$data" | grep 'runs (process'
  mesh stop --data "$data"
  mesh uninstall --yes --data "$data" | grep mesh.service
  [ ! -e .config/systemd/user/mesh.service ] || fail "the unit is left"
  [ "$(systemctl --user show --value -p LoadState mesh.service)" = not-found ] || fail "systemd still knows the unit"
  ls "$data/keys/key.pem"
  mesh service remove
  echo "the service works with $(systemctl --version | head -n 1)"
}

in_namespace() {
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir -p /run/systemd/system "/run/user/$USER_ID"
  chown "$USER_ID:$USER_ID" "/run/user/$USER_ID"
  chmod 700 "/run/user/$USER_ID"
  home=$(mktemp -d)
  chown "$USER_ID:$USER_ID" "$home"
  groups=()
  for base in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
    [ -w "$base/cgroup.procs" ] || continue
    mkdir "$base/mesh-service-$$"
    groups+=("$base/mesh-service-$$")
  done
  leave() {
    for group in "${groups[@]}"; do find "$group" -depth -type d -exec rmdir {} \; || true; done
    rm -rf "$home"
  }
  trap leave EXIT
  for group in "${groups[@]}"; do chown -R "$USER_ID:$USER_ID" "$group"; done
  (
    for group in "${groups[@]}"; do echo "$BASHPID" >"$group/cgroup.procs"; done
    exec setpriv --reuid "$USER_ID" --regid "$USER_ID" --clear-groups env -i PATH="$PATH" NODE="$NODE" MESH="$MESH" \
      bash "$SELF" as-user "$home"
  )
}

case "${1:-}" in
  as-user) as_user "$2" ;;
  in-namespace) in_namespace ;;
  *)
    NODE=$(node tools/run.mjs --print-node) MESH=$PWD/bin/mesh.mjs SELF=$PWD/.ci/service.sh
    export NODE MESH SELF
    exec unshare --mount --propagation private bash "$SELF" in-namespace
    ;;
esac
