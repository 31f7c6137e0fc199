#!/bin/sh
# The Debian package in a root of its own, made by debootstrap: installed with what it depends on, started as its unit does,
# asked, ended; booted there by systemd (deb_boot.sh); removed and purged. Takes root, for chroot.
#   tests/docker/deb.sh PACKAGE.deb
set -eu
cd "$(dirname "$0")/../.."
. tests/docker/within.sh
package=$1
archive=build/docker/debian-12-slim.tar
[ "$(id -u)" = 0 ] || { echo "deb.sh: chroot takes root" >&2; exit 1; }
[ -f "$archive" ] || tests/docker/base.sh --archive
mkdir -p build/deb
root=$(mktemp -d "$PWD/build/deb/root.XXXXXX")
daemon=
finish() {
	[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
	while read -r _ where _; do
		case $where in "$root"/*) umount -l "$where" || true ;; esac
	done </proc/self/mounts
	rm -rf --one-file-system "$root"
}
trap finish EXIT
trap 'exit 130' INT TERM
in_root() { chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"; }

tar -C "$root" --numeric-owner -xf "$archive"
chmod 755 "$root" # the user of the service has to pass it
mkdir -p "$root/dev" "$root/proc"
mount -t proc proc "$root/proc"
for node in null urandom; do [ -e "$root/dev/$node" ] || cp -a "/dev/$node" "$root/dev/$node"; done
cp /etc/resolv.conf "$root/etc/resolv.conf"
rm -f "$root/etc/dpkg/dpkg.cfg.d/docker" # man pages are wanted here
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" # nothing is started by itself
chmod +x "$root/usr/sbin/policy-rc.d"
cp "$package" "$root/tmp/qlstmd.deb"
in_root apt-get update -qq
in_root apt-get install -y -qq --no-install-recommends /tmp/qlstmd.deb >"$root/tmp/install.log" 2>&1 || { cat "$root/tmp/install.log"; exit 1; }
# shellcheck disable=SC2016 # dpkg-query's own fields
say "installed: $(in_root dpkg-query -W -f '${Version} ${Installed-Size} kB ${Status}' qlstmd)"

in_root getent passwd qlstmd
for file in usr/bin/qlstmd usr/bin/qlstm-worker usr/share/man/man8/qlstmd.8.gz usr/share/man/man1/qlstm-worker.1.gz \
	usr/share/qlstmd/recipes/damped_shm_chen2020.json etc/default/qlstmd lib/systemd/system/qlstmd.service; do
	[ -f "$root/$file" ] || { say "$file is missing"; exit 1; }
done
zcat "$root/usr/share/man/man8/qlstmd.8.gz" | grep -q -- 'max\\-upload' || { say "the man page lacks an option"; exit 1; }

# The unit, judged by systemd itself: what it does not know or cannot find is said, and the exposure, of 10, has a limit.
in_root apt-get install -y -qq --no-install-recommends systemd curl >"$root/tmp/systemd.log" 2>&1 || { cat "$root/tmp/systemd.log"; exit 1; }
unit=/lib/systemd/system/qlstmd.service
wrong=$(in_root systemd-analyze verify --man=no "$unit" 2>&1) || { say "systemd-analyze verify: $wrong"; exit 1; }
[ -z "$wrong" ] || { say "systemd-analyze verify: $wrong"; exit 1; }
in_root systemd-analyze security --offline=true --threshold=20 --no-pager "$unit" >"$root/tmp/exposure" || { cat "$root/tmp/exposure"; exit 1; }
say "$(sed -n 's/.*Overall/overall/p' "$root/tmp/exposure")"

# As the unit says it, on a port of its own; the manager's socket is one of ours.
start=$(sed -n 's/^ExecStart=//p' "$root/lib/systemd/system/qlstmd.service")
case $start in *" --data /var/lib/qlstmd --listen "*) ;; *) say "another ExecStart: $start"; exit 1 ;; esac
install -d -m 700 "$root/var/lib/qlstmd"
in_root chown qlstmd: /var/lib/qlstmd
chroot "$root" setpriv --reuid=qlstmd --regid=qlstmd --clear-groups --no-new-privs \
	/usr/bin/qlstmd --data /var/lib/qlstmd --listen 127.0.0.1:0 >"$root/tmp/said" 2>"$root/tmp/log" &
daemon=$!
within "$daemon" "the daemon listens" grep -q listening "$root/tmp/said" || { cat "$root/tmp/log"; exit 1; }
url=$(sed -n 's/^listening on //p' "$root/tmp/said")
id=$(curl -sf -d '{"training":{"epochs":3}}' "$url/experiments" | sed 's/.*"id":"\([^"]*\)".*/\1/')
curl -sf "$url/experiments/$id?wait=60" | grep -q '"status":"succeeded"' || { say "the experiment did not succeed"; cat "$root/tmp/log"; exit 1; }
curl -sf "$url/" | grep -q '<title>' || { say "no dashboard"; exit 1; }
say "trained $id at $url"
kill -TERM "$daemon"
wait "$daemon" || { say "ended with status $?"; exit 1; }
daemon=

tests/docker/deb_boot.sh "$root"

in_root apt-get remove -y -qq qlstmd >/dev/null
if [ -e "$root/usr/bin/qlstmd" ] || [ ! -e "$root/var/lib/qlstmd/qlstmd.db" ] || [ ! -e "$root/etc/default/qlstmd" ]; then
	say "not as removed"
	exit 1
fi
in_root apt-get purge -y -qq qlstmd >/dev/null
left=$(find "$root" -xdev -name '*qlstm*' ! -path "$root/tmp/*" ! -path "$root/var/log/*" ! -path "$root/var/cache/*" ! -path "$root/var/lib/apt/*")
[ -z "$left" ] || { say "left behind: $left"; exit 1; }
say "removed, the data stayed; purged, nothing is left"
