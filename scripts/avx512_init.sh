#!/bin/busybox sh
# The first process of the machine that scripts/avx512.sh makes. A number from the second serial port is a job: an archive
# of so many bytes on the first disk is unpacked at /, /job/command runs, and "done" goes back. "ready" says that it listens.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs -o mode=1777 tmpfs /tmp
for module in scsi_common scsi_mod libata ata_piix sd_mod; do
	insmod /modules/$module.ko
done
until [ -b /dev/sda ] && [ -b /dev/sdb ]; do
	usleep 10000
done

stty -F /dev/ttyS1 raw -echo
exec </dev/ttyS1 >/dev/ttyS1
echo ready
while read -r bytes; do
	blockdev --flushbufs /dev/sda
	head -c "$bytes" /dev/sda | tar x -C /
	sh /job/command </dev/null >/dev/console 2>&1
	sync
	echo "done"
done
