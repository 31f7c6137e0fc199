#!/bin/sh
# Runs a command with the image debian:12-slim there: the engine's own, else a registry's, else, where no registry is at
# hand, one made by debootstrap under the same tag, which is gone after the command. Making it takes root.
#   tests/docker/base.sh COMMAND ...
#   tests/docker/base.sh --archive      makes the tree of that image alone: build/docker/debian-12-slim.tar
set -eu
cd "$(dirname "$0")/../.."
tag=debian:12-slim
archive=build/docker/debian-12-slim.tar

# The mirrors, proxies and checks of dates that this machine's apt uses, for the one inside.
mirrors() {
	apt-get indextargets --format "\$(REPO_URI) \$(CODENAME) \$(COMPONENT) \$(ORIGIN)" 'Created-By: Packages' |
		grep -E '^https?://[^ ]+ bookworm(-updates|-security)? main Debian$' | sort -u || true
}
settings() { apt-config dump | grep -E '^Acquire::(http|https)::|^Acquire::(Check-|ForceIPv|Retries)' || true; }

remove() { # a tree that debootstrap may have left mounts in
	while read -r _ where _; do
		case $where in "$1"/*) umount -l "$where" || true ;; esac
	done </proc/self/mounts
	rm -rf --one-file-system "$1"
}

slim() { # what the official slim image leaves out, and keeps out of packages installed later
	cat >etc/dpkg/dpkg.cfg.d/docker <<-END
		path-exclude /usr/share/doc/*
		path-include /usr/share/doc/*/copyright
		path-exclude /usr/share/info/*
		path-exclude /usr/share/lintian/*
		path-exclude /usr/share/locale/*
		path-exclude /usr/share/man/*
	END
	cat >etc/apt/apt.conf.d/docker <<-END
		DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
		Dir::Cache::pkgcache "";
		Dir::Cache::srcpkgcache "";
		Acquire::GzipIndexes "true";
		Acquire::Languages "none";
	END
	find usr/share/doc ! -type d ! -name copyright -delete
	find usr/share/doc -type d -empty -delete
	find usr/share/info usr/share/lintian usr/share/locale usr/share/man -mindepth 1 -delete
	find var/cache/apt var/lib/apt/lists var/log var/cache/ldconfig -type f -delete
	rm -f etc/hostname etc/resolv.conf
}

bootstrap() {
	[ "$(id -u)" = 0 ] || { echo "base.sh: $tag cannot be pulled, and making it takes root" >&2; exit 1; }
	command -v debootstrap >/dev/null || scripts/deps.sh docker
	mkdir -p build/docker
	root=$(mktemp -d "$PWD/build/docker/base.XXXXXX")
	trap 'remove "$root"' EXIT
	trap 'exit 130' INT TERM
	mirror=$(mirrors | awk '$2 == "bookworm" { print $1; exit }')
	mirror=${mirror:-http://deb.debian.org/debian}
	include=
	case $mirror in https:*) include=--include=ca-certificates ;; esac
	eval "$(apt-config shell proxy Acquire::http::Proxy)"
	# shellcheck disable=SC2086 # an option or none
	env http_proxy="${proxy:-${http_proxy:-}}" \
		debootstrap --variant=minbase $include bookworm "$root" "$mirror" >"$archive.log" 2>&1 ||
		{ tail -n 20 "$archive.log" >&2; exit 1; }
	(
		cd "$root"
		echo "deb $mirror bookworm main" >etc/apt/sources.list
		mirrors | awk '$2 != "bookworm" { print "deb", $1, $2, $3 }' >>etc/apt/sources.list
		settings >etc/apt/apt.conf.d/90host
		slim
	)
	tar -C "$root" --numeric-owner --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' -cf "$archive.new" .
	mv "$archive.new" "$archive"
	trap - EXIT INT TERM
	remove "$root"
}

made=
forget() {
	[ -z "$made" ] || docker rmi "$tag" >/dev/null || true
}

if [ "${1:-}" = --archive ]; then
	bootstrap
	exit
fi
if ! docker image inspect "$tag" >/dev/null 2>&1 && ! timeout 60 docker pull -q "$tag"; then
	if [ -n "$(find "$archive" -newer tests/docker/base.sh 2>/dev/null)" ]; then
		echo "base.sh: $tag from $archive"
	else
		echo "base.sh: no registry is at hand: making $tag by debootstrap"
		bootstrap
	fi
	trap forget EXIT
	trap 'exit 130' INT TERM
	docker import --change 'CMD ["bash"]' "$archive" "$tag" >/dev/null
	made=1
fi
"$@"
