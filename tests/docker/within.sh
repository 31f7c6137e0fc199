# What the tests of the package share.
say() { echo "deb: $*"; }

# within PID WHAT COMMAND...: until it holds, for two minutes and as long as there is a process PID; else 1, with a word
within() {
	within_pid=$1
	within_what=$2
	within_tries=600
	shift 2
	until "$@" >/dev/null 2>&1; do
		within_tries=$((within_tries - 1))
		if [ $within_tries -le 0 ] || ! kill -0 "$within_pid"; then
			say "not within two minutes: $within_what"
			return 1
		fi
		sleep 0.2
	done
}
