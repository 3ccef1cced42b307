#pragma once
#include <expat.h>

/// Stops a parser from inside a handler; nothing is called any more.
static inline void menwei_XML_stop(XML_Parser parser) { XML_StopParser(parser, XML_FALSE); }
/// Whether `count` bytes are the whole of a document that is read to its end.
static inline int menwei_XML_parse_all(XML_Parser parser, const char *bytes, int count) { return XML_Parse(parser, bytes, count, XML_TRUE) == XML_STATUS_OK; }
