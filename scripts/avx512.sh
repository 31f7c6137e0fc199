#!/bin/sh
# Makes a small Linux for the emulator bochs: scripts/avx512.sh FOLDER makes FOLDER/boot.iso of Debian's kernel, busybox and
# scripts/avx512_init.sh. The kernel is unpacked into FOLDER/root; none is installed. tests/emulated/machine.py boots it.
set -eu
folder=$1
root=$(realpath -m "$folder/root")

if [ ! -e "$root/complete" ]; then
	apt=$(realpath -m "$folder/apt")
	mkdir -p "$root" "$apt/lists/partial" "$apt/archives/partial" "$apt/packages"
	options="-q=2 -o APT::Architecture=amd64 -o APT::Architectures::=amd64 -o APT::Sandbox::User=$(id -un)
		-o Dir::State=$apt -o Dir::State::lists=$apt/lists -o Dir::Cache=$apt -o Debug::NoLocking=1"
	# shellcheck disable=SC2086,SC2046 # a list of options, a list of packages
	(cd "$apt/packages" && apt-get $options update &&
		apt-get $options download $(apt-cache $options depends linux-image-cloud-amd64 | awk '/Depends: linux-image-/ { print $2 }'))
	for package in "$apt"/packages/*.deb; do
		dpkg-deb -x "$package" "$root"
	done
	rm -r "$apt"
	touch "$root/complete"
fi

rm -rf "$folder/initramfs" "$folder/iso"
mkdir -p "$folder/iso" "$folder/initramfs/modules"
(cd "$folder/initramfs" && mkdir bin dev proc sys tmp)
install -m755 scripts/avx512_init.sh "$folder/initramfs/init"
cp /bin/busybox "$folder/initramfs/bin"
for module in scsi/scsi_common scsi/scsi_mod ata/libata ata/ata_piix scsi/sd_mod; do
	cp "$root"/lib/modules/*/kernel/drivers/$module.ko "$folder/initramfs/modules"
done
# Not packed: the emulator reads more quickly than it unpacks.
(cd "$folder/initramfs" && find . | cpio -o -H newc --quiet) >"$folder/iso/initrd"

# bochs 2.7 says a size of the compacted XSAVE area that Linux does not believe, and without XSAVE there is no AVX: so the
# area is not compacted.
cp "$root"/boot/vmlinuz-* "$folder/iso/vmlinuz"
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$folder/iso"
cat >"$folder/iso/isolinux.cfg" <<END
default linux
label linux
kernel vmlinuz
append initrd=initrd console=ttyS0 quiet loglevel=4 nokaslr mitigations=off tsc=reliable random.trust_cpu=on lsm=landlock panic=-1 clearcpuid=xsavec,xsaves
END
genisoimage -quiet -o "$folder/boot.iso" -b isolinux.bin -c boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table "$folder/iso"
