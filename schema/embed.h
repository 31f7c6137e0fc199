/* The contract's files as NUL-terminated text inside the binary (embed.S). */
#ifndef QLSTM_SCHEMA_EMBED_H
#define QLSTM_SCHEMA_EMBED_H

extern const char schema_experiment_json[]; /* experiment.schema.json */
extern const char schema_openapi_yaml[];    /* openapi.yaml */
extern const char schema_database_sql[];    /* database.sql */
extern const char schema_session_sql[];     /* session.sql */

#endif
