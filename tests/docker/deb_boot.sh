#!/bin/sh
# A tree with the package and systemd in it, booted as a container of its own (namespaces of processes, mounts, network and
# control groups): systemd starts the unit, with all that the unit forbids; an experiment, a prediction; killed and stopped, it
# goes on where it was. Takes root; says so and ends well where namespaces or control groups are not to be had.
#   tests/docker/deb_boot.sh ROOT
set -eu
root=$1
# shellcheck source=tests/docker/within.sh
. "$(dirname "$0")/within.sh"

if [ "${2:-}" = inside ]; then # process 1 of the new namespaces
	mount --make-rprivate /
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	mount -t sysfs -o ro sysfs "$root/sys"
	mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
	for folder in run tmp dev; do mount -t tmpfs -o mode=755 tmpfs "$root/$folder"; done
	chmod 1777 "$root/tmp"
	for node in null zero full random urandom tty; do cp -a "/dev/$node" "$root/dev/"; done
	mkdir "$root/dev/pts" "$root/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
	ln -s pts/ptmx "$root/dev/ptmx" # PrivateDevices= wants it
	cd "$root"
	mkdir -p mnt
	pivot_root . mnt
	exec chroot . sh -c 'umount -l /mnt; exec env container=other /lib/systemd/systemd --log-target=console --show-status=no'
fi

spaces="--mount --pid --fork --uts --ipc --cgroup --net"
# shellcheck disable=SC2086 # a list of options
if ! unshare $spaces sh -c 'mount -t cgroup2 cgroup2 /mnt' 2>/dev/null; then
	say "NOT started by systemd: this machine gives no namespaces or control groups"
	exit 0
fi
log=$(mktemp)
# shellcheck disable=SC2086
unshare $spaces --kill-child=KILL "$0" "$root" inside >"$log" 2>&1 &
outer=$!
finish() {
	status=$?
	[ $status = 0 ] || run systemctl --no-pager status qlstmd || true
	kill -KILL "$outer" 2>/dev/null || true # it passes no other signal on, and systemd ends with it
	[ $status = 0 ] || cat "$log"
	rm -f "$log"
}
trap finish EXIT
trap 'exit 130' INT TERM

run() { nsenter --target "$(pgrep -P "$outer")" --mount --pid --net --uts --ipc --cgroup --root --wd "$@"; }
get() { run curl -sf "http://127.0.0.1:8080$1"; }
post() { run curl -sf -d "$2" "http://127.0.0.1:8080$1"; }
id_of() { sed 's/.*"id":"\([^"]*\)".*/\1/'; }
is() { get "/experiments/$1" | grep -q "$2"; }

within "$outer" "systemd says that the unit is active" run systemctl is-active qlstmd
id=$(post /experiments '{"training":{"epochs":3}}' | id_of)
get "/experiments/$id?wait=60" | grep -q '"status":"succeeded"'
post "/experiments/$id/predict" '{"inputs":[[[0.1],[0.3],[0.5],[0.6]]]}' | grep -q '"outputs":\[\['
long=$(post /experiments '{"training":{"epochs":100000},"limits":{"max_seconds":2000000}}' | id_of)
within "$outer" "an epoch" is "$long" '"epoch":[1-9]'
run sh -c 'kill -9 $(systemctl show -p MainPID --value qlstmd)'
within "$outer" "started again, with the experiment" is "$long" '"status":"running".*"attempt":2'
run systemctl stop qlstmd
[ "$(run systemctl show -p Result --value qlstmd)" = success ] || { say "it does not stop well"; exit 1; }
run systemctl start qlstmd
within "$outer" "the experiment goes on" is "$long" '"status":"running".*"attempt":3'
say "systemd started it; killed, it came back; stopped and started, it went on; $(run systemd-analyze security --no-pager qlstmd.service | sed -n 's/.*Overall exposure level for qlstmd.service: \([0-9.]*\).*/exposure \1/p')"
run systemctl stop qlstmd
# systemd is killed at the end: not before it has removed what PrivateTmp= made, which it does behind the stop.
gone() { ! run sh -c 'ls -d /var/tmp/systemd-private-*-qlstmd.service-*'; }
within "$outer" "its own /var/tmp is removed" gone
