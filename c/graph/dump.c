/* dump: a graph as text for people. */
#include "graph/graph.h"

enum { MOST_SHOWN = 12 }; /* elements of a list */

/* Names come from files: what would break the line is shown as a dot. */
static void add_name(pgi_text *t, const char *s, size_t size) {
  for (size_t i = 0; i < size; i++) {
    size_t n = 0; /* of a run of good characters */
    while (i + n < size && n < 4096 && (unsigned char)s[i + n] >= 0x20 && s[i + n] != 0x7f) n++;
    if (n > 0) pgi_text_add(t, "%.*s", (int)n, s + i);
    i += n;
    if (i < size) pgi_text_add(t, "%c", (unsigned char)s[i] < 0x20 || s[i] == 0x7f ? '.' : s[i]);
  }
}

static void add_value(pgi_text *t, const pgi_value *v) {
  pgi_text_add(t, "%%");
  if (v)
    add_name(t, v->name, strlen(v->name));
  else
    pgi_text_add(t, "-");
}

static void indent(pgi_text *t, int depth) {
  pgi_text_add(t, "%*s", 2 * depth, "");
}

/* ---- attributes --------------------------------------------------------------------------------- */

static void add_tensor(pgi_text *t, const pg_tensor *tensor) {
  pgi_type type = pgi_type_of(tensor);
  pgi_text_add(t, "<");
  pgi_type_text(&type, t);
  pgi_text_add(t, ">");
}

static void add_element(pgi_text *t, const pgi_attr *a, int64_t i) {
  switch (a->kind) {
    case PG_ATTR_FLOAT:
    case PG_ATTR_FLOATS:
      pgi_text_add(t, "%g", (double)a->floats[i]);
      break;
    case PG_ATTR_INT:
    case PG_ATTR_INTS:
      pgi_text_add(t, "%lld", (long long)a->ints[i]);
      break;
    case PG_ATTR_STRING:
    case PG_ATTR_STRINGS:
      pgi_text_add(t, "\"");
      add_name(t, a->strings[i].data, PG_MIN(a->strings[i].size, (size_t)60));
      pgi_text_add(t, a->strings[i].size > 60 ? "...\"" : "\"");
      break;
    case PG_ATTR_TENSOR:
    case PG_ATTR_TENSORS:
      add_tensor(t, a->tensors[i]);
      break;
    case PG_ATTR_TYPE:
    case PG_ATTR_TYPES:
      pgi_type_text(&a->types[i], t);
      break;
    case PG_ATTR_GRAPH:
    case PG_ATTR_GRAPHS:
      pgi_text_add(t, "{...}");
      break;
    default:
      pgi_text_add(t, "<sparse>");
      break;
  }
}

static bool is_list(pgi_attr_kind kind) {
  return (kind >= PG_ATTR_FLOATS && kind <= PG_ATTR_GRAPHS) || kind == PG_ATTR_SPARSES ||
         kind == PG_ATTR_TYPES;
}

static void add_attr(pgi_text *t, const pgi_attr *a) {
  add_name(t, a->name, strlen(a->name));
  pgi_text_add(t, "=");
  if (a->ref) {
    pgi_text_add(t, "@");
    add_name(t, a->ref, strlen(a->ref));
    return;
  }
  if (is_list(a->kind)) pgi_text_add(t, "[");
  for (int64_t i = 0; i < PG_MIN(a->n, (int64_t)MOST_SHOWN); i++) {
    if (i) pgi_text_add(t, ",");
    add_element(t, a, i);
  }
  if (a->n > MOST_SHOWN) pgi_text_add(t, ",... %lld in all", (long long)a->n);
  if (is_list(a->kind)) pgi_text_add(t, "]");
}

/* ---- nodes -------------------------------------------------------------------------------------- */

static void add_nodes(pgi_text *t, const pg_graph *g, int depth);

static void add_inputs(pgi_text *t, const pg_graph *g) {
  for (int i = 0; i < g->n_inputs; i++) {
    if (i) pgi_text_add(t, ", ");
    add_value(t, g->inputs[i]);
    pgi_text_add(t, " ");
    pgi_type_text(&g->inputs[i]->type, t);
  }
}

static void add_body(pgi_text *t, const char *name, const pg_graph *body, int depth) {
  indent(t, depth);
  add_name(t, name, strlen(name));
  pgi_text_add(t, "(");
  add_inputs(t, body);
  pgi_text_add(t, "):\n");
  add_nodes(t, body, depth + 1);
  indent(t, depth + 1);
  pgi_text_add(t, "->");
  for (int i = 0; i < body->n_outputs; i++) {
    pgi_text_add(t, i ? ", " : " ");
    add_value(t, body->outputs[i].value);
  }
  pgi_text_add(t, "\n");
}

static void add_bodies(pgi_text *t, const pgi_node *node, int depth) {
  for (int i = 0; i < node->n_attrs; i++) {
    const pgi_attr *a = &node->attrs[i];
    if (a->ref || (a->kind != PG_ATTR_GRAPH && a->kind != PG_ATTR_GRAPHS)) continue;
    for (int64_t k = 0; k < a->n; k++)
      if (a->graphs[k]) add_body(t, a->name, a->graphs[k], depth);
  }
}

static void add_node(pgi_text *t, const pgi_node *node, int depth) {
  indent(t, depth);
  for (int i = 0; i < node->n_out; i++) {
    if (i) pgi_text_add(t, ", ");
    add_value(t, node->out[i]);
  }
  pgi_text_add(t, " = ");
  if (*node->domain) {
    add_name(t, node->domain, strlen(node->domain));
    pgi_text_add(t, ".");
  }
  add_name(t, node->type, strlen(node->type));
  pgi_text_add(t, "(");
  for (int i = 0; i < node->n_in; i++) {
    if (i) pgi_text_add(t, ", ");
    add_value(t, node->in[i].value);
  }
  pgi_text_add(t, ")");
  for (int i = 0; i < node->n_attrs; i++) {
    pgi_text_add(t, i ? " " : " {");
    add_attr(t, &node->attrs[i]);
  }
  if (node->n_attrs) pgi_text_add(t, "}");
  if (node->n_out > 0 && node->out[0] && node->out[0]->type.kind != PG_TYPE_UNKNOWN) {
    pgi_text_add(t, "  ");
    pgi_type_text(&node->out[0]->type, t);
  }
  pgi_text_add(t, "\n");
  add_bodies(t, node, depth + 1);
}

static void add_nodes(pgi_text *t, const pg_graph *g, int depth) {
  for (const pgi_node *node = g->first; node; node = node->next) add_node(t, node, depth);
}

/* ---- the first line ------------------------------------------------------------------------------- */

static double parameters(const pg_graph *g) {
  double n = 0;
  for (const pgi_value *v = g->first_value; v; v = v->next)
    if (v->constant.dtype != PG_NONE) n += (double)pgi_tensor_count(&v->constant);
  for (const pgi_node *node = g->first; node; node = node->next) {
    pgi_bodies it = {.node = node};
    for (const pg_graph *body; (body = pgi_bodies_next(&it));) n += parameters(body);
  }
  return n;
}

static void add_parameters(pgi_text *t, double n) {
  if (n >= 1e9)
    pgi_text_add(t, "  %.1f G parameters", n / 1e9);
  else if (n >= 1e5)
    pgi_text_add(t, "  %.1f M parameters", n / 1e6);
  else if (n >= 1e3)
    pgi_text_add(t, "  %.1f k parameters", n / 1e3);
  else
    pgi_text_add(t, "  %.0f parameters", n);
}

static void add_signature(pgi_text *t, const pgi_value *v, bool is_first) {
  pgi_text_add(t, is_first ? "" : ", ");
  add_name(t, v->name, strlen(v->name));
  pgi_text_add(t, " ");
  pgi_type_text(&v->type, t);
}

static void add_summary(pgi_text *t, const pg_graph *g) {
  const char *name = g->name ? g->name : "";
  pgi_text_add(t, "Graph%s", *name ? " " : "");
  add_name(t, name, strlen(name));
  int opset = pgi_model_opset(g->model, "");
  if (opset) pgi_text_add(t, "  opset %d", opset);
  pgi_text_add(t, "  %d nodes", g->n_nodes);
  add_parameters(t, parameters(g));
  pgi_text_add(t, "  ");
  bool is_first = true;
  for (int i = 0; i < g->n_inputs; i++) {
    const pgi_value *v = g->inputs[i];
    if (v->constant.dtype != PG_NONE) continue; /* has a default: old files list weights here */
    add_signature(t, v, is_first);
    is_first = false;
  }
  pgi_text_add(t, " -> ");
  for (int i = 0; i < g->n_outputs; i++) add_signature(t, g->outputs[i].value, i == 0);
  pgi_text_add(t, "\n");
}

void pgi_graph_text(const pg_graph *g, pgi_text *text) {
  add_summary(text, g);
  add_nodes(text, g, 1);
}
