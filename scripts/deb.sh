#!/bin/sh
# The Debian package, built by dpkg-buildpackage in a copy of what git knows, so that nothing of it stays in the tree.
#   scripts/deb.sh DIRECTORY     leaves qlstmd_VERSION_ARCH.deb there
set -eu
cd "$(dirname "$0")/.."
out=$1
version=$(sed -n 's/.* QLSTM_VERSION "\(.*\)"/\1/p' engine/qlstm.h)
mkdir -p "$out"
rm -rf "$out/source" "$out"/qlstmd*
mkdir "$out/source"
git ls-files -z | xargs -0 cp --parents -t "$out/source"
mv "$out/source/scripts/debian" "$out/source/debian"
# The changelog that dpkg wants, of what there is one for: the version, and the time of the commit.
commit=$(git log -1 --format=%cd --date=rfc2822 2>/dev/null || date -R)
cat >"$out/source/debian/changelog" <<END
qlstmd ($version) unstable; urgency=medium

  * See CHANGELOG.md.

 -- qlstmd developers <qlstmd@localhost>  $commit
END
(
	cd "$out/source"
	DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS:-parallel=2} noautodbgsym" dpkg-buildpackage --unsigned-source --unsigned-changes --build=binary
)
rm -rf "$out/source"
