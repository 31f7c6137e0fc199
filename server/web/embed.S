/* The dashboard's files inside the daemon: each as it stands and packed by gzip, which the Makefile does when it builds.
 * Names: web_FILE and web_FILE_end, web_FILE_gz and web_FILE_gz_end. */
	.macro file label, path
	.global \label
\label:
	.incbin "\path"
	.global \label\()_end
\label\()_end:
	.byte 0
	.endm
	.section .rodata
	file web_index, "clients/web/dist/index.html"
	file web_index_gz, "index.html.gz"
	file web_script, "clients/web/dist/app.js"
	file web_script_gz, "app.js.gz"
	file web_style, "clients/web/dist/app.css"
	file web_style_gz, "app.css.gz"
	file web_icon, "clients/web/dist/icon.svg"
	file web_icon_gz, "icon.svg.gz"
	file web_licences, "clients/web/dist/LICENCES.txt"
	file web_licences_gz, "LICENCES.txt.gz"
	.section .note.GNU-stack,"",%progbits
