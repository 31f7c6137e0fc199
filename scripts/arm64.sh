#!/bin/sh
# Builds qlstm-worker for arm64 with Debian's cross compiler: scripts/arm64.sh FOLDER makes FOLDER/qlstm-worker, linked
# statically, so that qemu-aarch64-static runs it anywhere. Debian's arm64 libraries are unpacked into FOLDER/root; nothing
# of another architecture is installed.
set -eu
folder=$1
root=$(realpath -m "$folder/root")
packages="libjansson-dev libsodium-dev zlib1g-dev libminizip-dev libexpat1-dev libseccomp-dev"

if [ ! -e "$root/complete" ]; then
	apt=$(realpath -m "$folder/apt")
	mkdir -p "$root" "$apt/lists/partial" "$apt/archives/partial" "$apt/packages"
	options="-qq -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o APT::Sandbox::User=$(id -un)
		-o Dir::State=$apt -o Dir::State::lists=$apt/lists -o Dir::Cache=$apt -o Debug::NoLocking=1"
	# shellcheck disable=SC2086 # a list of options, a list of packages
	(cd "$apt/packages" && apt-get $options update && apt-get $options download $packages)
	for package in "$apt"/packages/*.deb; do
		dpkg-deb -x "$package" "$root"
	done
	rm -r "$apt"
	touch "$root/complete"
fi

exec make --no-print-directory -j2 BUILD="$folder" CC=aarch64-linux-gnu-gcc AR=aarch64-linux-gnu-ar OBJCOPY=aarch64-linux-gnu-objcopy \
	CPPFLAGS="-I. -D_GNU_SOURCE -DSANDBOX_RELAXED -I$root/usr/include" \
	LDFLAGS="-static -L$root/usr/lib/aarch64-linux-gnu" "$folder/qlstm-worker"
