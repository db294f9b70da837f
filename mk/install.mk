# SPDX-License-Identifier: Apache-2.0
# Installation under $(DESTDIR)$(PREFIX): binary, libraries, headers, pkg-config files.

bindir = $(PREFIX)/bin
libdir = $(PREFIX)/lib
includedir = $(PREFIX)/include
moduledir = $(libdir)/flitch
beamdir = $(PREFIX)/share/flitch/beam
exampledir = $(PREFIX)/share/doc/flitch/examples
EXAMPLE_FILES = docs/flitch.conf.example $(wildcard examples/*.c)
HEADERS = $(wildcard include/*.h)
SUB_HEADERS = $(wildcard include/flitch/*.h)
at = $(DESTDIR)$(1)

define PC
prefix=$(PREFIX)
libdir=$${prefix}/lib
includedir=$${prefix}/include

Name: flitch
Description: C servers as full members of an Erlang cluster
Version: $(VERSION)
Requires.private: $(PACKAGES)
Libs: -L$${libdir} -lflitch
Libs.private: -ldl -lm -pthread
Cflags: -I$${includedir}
endef
export PC

define SIM_PC
prefix=$(PREFIX)
libdir=$${prefix}/lib
includedir=$${prefix}/include

Name: flitch-sim
Description: The simulated cluster, for tests of servers in C
Version: $(VERSION)
Requires.private: $(PACKAGES)
Libs: -L$${libdir} -lflitch_sim -l:libflitch.a $(PKG_LIBS) -ldl -lm -pthread
Cflags: -I$${includedir}
endef
export SIM_PC

.PHONY: install uninstall
install: ## install under DESTDIR and PREFIX (/usr/local)
install: all
	install -d $(call at,$(bindir)) $(call at,$(libdir)/pkgconfig) $(call at,$(moduledir)) \
		$(call at,$(includedir)/flitch) $(call at,$(exampledir)) $(call at,$(beamdir)/src) $(call at,$(beamdir)/skeleton)
	$(if $(BINARY),install -m 755 $(BINARY) $(call at,$(bindir)/))
	install -m 644 $(LIB_A) $(SIM_A) $(call at,$(libdir)/)
	install -m 755 $(LIB_SO) $(call at,$(libdir)/libflitch.so.$(VERSION))
	ln -sf libflitch.so.$(VERSION) $(call at,$(libdir)/libflitch.so.$(SOVERSION))
	ln -sf libflitch.so.$(SOVERSION) $(call at,$(libdir)/libflitch.so)
	$(if $(EXAMPLE_SO),install -m 755 $(EXAMPLE_SO) $(call at,$(moduledir)/))
	$(if $(HEADERS),install -m 644 $(HEADERS) $(call at,$(includedir)/))
	$(if $(SUB_HEADERS),install -m 644 $(SUB_HEADERS) $(call at,$(includedir)/flitch/))
	install -m 644 beam/mix.exs beam/rebar.config beam/README.md $(call at,$(beamdir)/)
	install -m 644 $(wildcard beam/src/*) $(call at,$(beamdir)/src/)
	install -m 644 $(wildcard beam/skeleton/*) $(call at,$(beamdir)/skeleton/)
	install -m 644 $(EXAMPLE_FILES) $(call at,$(exampledir)/)
	printf '%s\n' "$$PC" >$(call at,$(libdir)/pkgconfig/flitch.pc)
	printf '%s\n' "$$SIM_PC" >$(call at,$(libdir)/pkgconfig/flitch-sim.pc)
	$(if $(DESTDIR),,-ldconfig 2>/dev/null)

uninstall: ## remove what install put there
	rm -f $(call at,$(bindir)/flitch) $(call at,$(libdir)/libflitch.a) \
		$(call at,$(libdir)/libflitch_sim.a) $(call at,$(libdir)/pkgconfig/flitch-sim.pc) \
		$(call at,$(libdir)/libflitch.so)* $(call at,$(libdir)/pkgconfig/flitch.pc) \
		$(call at,$(includedir)/flitch.h)
	rm -rf $(call at,$(includedir)/flitch) $(call at,$(moduledir)) \
		$(call at,$(PREFIX)/share/doc/flitch) $(call at,$(PREFIX)/share/flitch)
