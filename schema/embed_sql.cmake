# cmake -DOUTPUT=FILE -DSQL_DIR=DIR -P embed_sql.cmake: writes schema/embedded_sql.cpp from NNNN_*.sql and views.sql.
file(GLOB files "${SQL_DIR}/[0-9][0-9][0-9][0-9]_*.sql")
list(SORT files)
set(constants "")
set(rows "")
foreach(file IN LISTS files)
  get_filename_component(name "${file}" NAME)
  string(SUBSTRING "${name}" 0 4 number)
  math(EXPR version "${number} * 1")
  file(READ "${file}" text)
  string(APPEND constants "constexpr std::string_view kMigration${version} = R\"sql_text(${text})sql_text\";\n")
  string(APPEND rows "    {${version}, kMigration${version}},\n")
endforeach()
file(READ "${SQL_DIR}/views.sql" views)
file(WRITE "${OUTPUT}" "// Written by schema/embed_sql.cmake from schema/sql. Do not edit.
#include \"schema/embedded_sql.hpp\"

namespace dmarcbox::schema {
namespace {
${constants}constexpr std::string_view kViews = R\"sql_text(${views})sql_text\";
constexpr Migration kMigrations[] = {
${rows}};
}  // namespace

std::span<const Migration> migrations() { return kMigrations; }
std::string_view views_sql() { return kViews; }

}  // namespace dmarcbox::schema
")
