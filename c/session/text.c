/* text: a plan for people to read. */
#include "session/internal.h"

static void slot_text(const pgi_plan *plan, int value, pgi_text *text) {
  static const char *const kinds[] = {
      [PG_SLOT_NONE] = "none",       [PG_SLOT_CONSTANT] = "constant", [PG_SLOT_BOUND] = "bound",
      [PG_SLOT_ARENA] = "arena",     [PG_SLOT_OUTPUT] = "output",     [PG_SLOT_ALIAS] = "alias",
      [PG_SLOT_DYNAMIC] = "dynamic",
  };
  const pgi_slot *slot = &plan->slots[value];
  const pgi_value *v = plan->program->values[value];
  pgi_text_add(text, "%s ", v->name);
  pgi_type_text(&slot->type, text);
  pgi_text_add(text, " %s", kinds[slot->kind]);
  if (slot->kind == PG_SLOT_ARENA) {
    const pgi_block *b = &plan->blocks[slot->block];
    pgi_text_add(text, " @%zu+%zu", b->offset, b->bytes);
  }
  if (slot->root != value) {
    pgi_text_add(text, " of %s", plan->program->values[slot->root]->name);
  }
}

void pgi_plan_text(const pgi_plan *plan, pgi_text *text) {
  const pgi_program *p = plan->program;
  pgi_text_add(text, "%d steps, %d blocks, arena of %zu bytes\n", plan->n_steps, plan->n_blocks,
               plan->arena_bytes);
  for (int i = 0; i < p->n_bound; i++) {
    pgi_text_add(text, "  in   ");
    slot_text(plan, p->bound[i], text);
    pgi_text_add(text, "\n");
  }
  for (int s = 0; s < plan->n_steps; s++) {
    const pgi_step *step = &plan->steps[s];
    const pgi_node *node = step->node->node;
    pgi_text_add(text, "  %-4d %s '%s'%s ->", s, node->type, node->name ? node->name : "",
                 step->is_view ? " (view)" : "");
    for (int i = 0; i < node->n_out; i++) {
      if (step->node->out[i] < 0) continue;
      pgi_text_add(text, i ? ", " : " ");
      slot_text(plan, step->node->out[i], text);
    }
    pgi_text_add(text, "\n");
  }
  for (int k = 0; k < p->n_outputs; k++) {
    pgi_text_add(text, "  out  ");
    slot_text(plan, p->outputs[k], text);
    pgi_text_add(text, "\n");
  }
}

void pgi_session_plan_text(const pg_session *s, pgi_text *text) {
  if (s->programs && s->programs->plans) pgi_plan_text(s->programs->plans, text);
}
