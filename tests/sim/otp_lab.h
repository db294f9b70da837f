/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TESTS_OTP_LAB_H
#define FLI_TESTS_OTP_LAB_H

/*
 * Modelled nodes joined by memory: a clock, a queue of events, and links that can be cut. It is
 * what the model's own tests run on; the simulated cluster has a network of its own.
 *
 *     otp_lab *lab = otp_lab_new(7);
 *     otp_node *a = otp_lab_add(lab, &config);
 *     otp_do_connect(a, "b@lab"), otp_lab_run(lab, 1000);
 *
 * Memory: nodes belong to the lab. Limits: OTP_LAB_NODES.
 */

#include "tests/sim/otp_model.h"

#define OTP_LAB_NODES 8

typedef struct otp_lab otp_lab;

otp_lab *otp_lab_new(uint64_t seed);
void otp_lab_delete(otp_lab *lab);
otp_node *otp_lab_add(otp_lab *lab, const otp_config *config);
/* Everything that is due within `ms`. */
void otp_lab_run(otp_lab *lab, uint64_t ms);
uint64_t otp_lab_now(const otp_lab *lab);
/* Every connection between the two is reset; both are told. */
void otp_lab_reset(otp_lab *lab, otp_node *a, otp_node *b);
/* Who dials is refused from now on, both ways; or not any more. */
void otp_lab_refuse(otp_lab *lab, otp_node *a, otp_node *b, bool is_refused);
/* Bytes of both vanish, nobody is told. */
void otp_lab_silence(otp_lab *lab, otp_node *a, otp_node *b, bool is_silent);
/* Reads give so many bytes at most; 0: any number. */
void otp_lab_read_max(otp_lab *lab, size_t bytes);
/* It ends without a word; its connections are reset. */
void otp_lab_crash(otp_lab *lab, otp_node *node);

#endif
