#!/bin/sh
# Runs a command with a Docker engine: the one that answers, else one of its own, in a temporary folder and without
# touching the network's rules, which ends with the command. That takes root.
#   tests/docker/engine.sh COMMAND ...
set -eu
cd "$(dirname "$0")/../.."
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH # the system's docker before one that only talks to an engine elsewhere
export PATH

answers() { timeout 30 docker info >/dev/null 2>&1; }
composes() { docker-compose version >/dev/null 2>&1 || docker compose version >/dev/null 2>&1; }

if ! answers || ! composes; then
	scripts/deps.sh docker
fi
if answers; then
	exec "$@"
fi
[ "$(id -u)" = 0 ] || { echo "engine.sh: no Docker engine answers, and starting one takes root" >&2; exit 1; }

folder=$(mktemp -d "${TMPDIR:-/tmp}/qlstm-docker.XXXXXX")
engine=

unmount() { # whatever an engine or a container left mounted under the folder
	while read -r _ where _; do
		case $where in "$folder"/*) umount -l "$where" || true ;; esac
	done </proc/self/mounts
}

end() {
	status=$?
	trap - EXIT
	trap '' INT TERM
	[ "$status" = 0 ] || { echo "engine.sh: the engine's last words:" && tail -n 20 "$folder/log"; } >&2
	if [ -n "$engine" ]; then
		docker ps -aq | xargs -r docker rm -f -v >/dev/null || true
		docker network prune -f >/dev/null || true
		kill "$engine" 2>/dev/null || true
		timeout 60 tail --pid="$engine" -f /dev/null || kill -9 "$engine" || true
		wait "$engine" 2>/dev/null || true
	fi
	unmount
	rm -rf --one-file-system "$folder"
	rmdir /sys/fs/cgroup/docker /sys/fs/cgroup/*/docker 2>/dev/null || true
	exit "$status"
}
trap end EXIT
trap 'exit 130' INT TERM

echo "engine.sh: no Docker engine answers: starting one in $folder"
# In a session of its own: a Ctrl-C is for the command, which may still need the engine to tidy up.
export DOCKER_HOST="unix://$folder/socket"
setsid dockerd --host "$DOCKER_HOST" --data-root "$folder/data" --exec-root "$folder/run" --pidfile "$folder/pid" \
	--bridge=none --iptables=false --ip6tables=false --ip-forward=false >"$folder/log" 2>&1 &
engine=$!
until answers; do
	kill -0 "$engine" 2>/dev/null || { echo "engine.sh: dockerd has ended" >&2; exit 1; }
	sleep 0.2
done
"$@"
