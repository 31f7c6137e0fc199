/* The contract's files, carried inside the binaries; each ends in a NUL byte. */
	.section .rodata
	.global schema_experiment_json
schema_experiment_json:
	.incbin "schema/experiment.schema.json"
	.byte 0
	.global schema_openapi_yaml
schema_openapi_yaml:
	.incbin "schema/openapi.yaml"
	.byte 0
	.global schema_database_sql
schema_database_sql:
	.incbin "schema/database.sql"
	.byte 0
	.global schema_session_sql
schema_session_sql:
	.incbin "schema/session.sql"
	.byte 0
	.section .note.GNU-stack,"",%progbits
