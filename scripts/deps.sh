#!/bin/sh
# Installs the Debian packages of the groups named as arguments, where one is missing.
#   scripts/deps.sh build demo test lint
set -eu

group() {
	case $1 in
	build) echo gcc make pkg-config libc6-dev libmicrohttpd-dev libgnutls28-dev libuv1-dev libsqlite3-dev libjansson-dev libsodium-dev libyaml-dev zlib1g-dev libminizip-dev libexpat1-dev libseccomp-dev ;;
	demo) echo curl jq gawk ;;
	test) echo libcmocka-dev curl openssl python3 python3-pytest python3-pytest-xdist python3-requests python3-jsonschema python3-numpy python3-yaml python3-protobuf libfaketime ;;
	arm64) echo gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static make ;;
	avx512) echo bochs bochs-term bochsbios vgabios busybox-static cpio isolinux syslinux-common genisoimage binutils ;;
	spin) echo gcc libc6-dev spin ;;
	valgrind) echo valgrind libc6-dbg ;;
	coverage) echo gcovr python3 ;;
	web) command -v npm >/dev/null && echo chromium || echo nodejs npm chromium ;;
	docker) echo docker.io docker-compose debootstrap ;;
	deb) echo dpkg-dev debhelper help2man fakeroot git ;;
	test-deb) echo debootstrap curl ;;
	peers) echo python3 python3-venv python3-pip ;;
	fuzz) echo clang libclang-rt-14-dev ;;
	lint) echo clang clang-format clang-tidy shellcheck git python3 ;;
	*) echo "deps.sh: unknown group '$1'; known: build demo test arm64 avx512 spin valgrind coverage web docker deb test-deb peers fuzz lint" >&2 && exit 2 ;;
	esac
}

missing=
for name in "$@"; do
	packages=$(group "$name")
	for package in $packages; do
		dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
	done
done
[ -n "$missing" ] || exit 0

echo "installing:$missing"
run=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || { echo "not root and no sudo: install these packages yourself:$missing" >&2; exit 1; }
	run=sudo
fi
$run apt-get update -qq
# shellcheck disable=SC2086 # a list of packages
$run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
