%% SPDX-License-Identifier: Apache-2.0
%% Payloads that are no terms, and odd ones that are.
-module(hostile_terms).
-export([cases/0, slowest_ms/1]).
-import(hostile_wire, [enc/1, pid/1]).

%% A term of 900 KB is read twice and printed.
slowest_ms(_) -> 1000.

cases() ->
    [{Name, hostile_frames:broken(fun(N) -> payload(N, Bytes) end)} || {Name, Bytes} <- broken()] ++
    [{Name, hostile_frames:harmless(fun(N) -> payload(N, Bytes) end)} || {Name, Bytes} <- odd()].

payload(Name, Bytes) ->
    hostile_wire:frame(header, [enc({6, pid(Name), '', echo}), Bytes]).

broken() ->
    Atom = <<119, 1, "h">>,
    [{"an unknown tag", <<200>>},
     {"a version inside", <<131, 97, 1>>},
     {"a version deep inside", <<104, 1, 131, 97, 1>>},
     {"a compressed term", <<80, 100:32, (zlib:compress(binary:copy(<<0>>, 100)))/binary>>},
     {"a term that nothing backs", <<104>>},
     {"a tuple that is cut", <<104, 5, 97, 1>>},
     {"a tuple of arity 2^31", <<105, 16#80000000:32, 97, 1>>},
     {"a tuple of arity 2^32 - 1", <<105, 16#ffffffff:32, 97, 1>>},
     {"a list of 2^32 - 1", <<108, 16#ffffffff:32, 97, 1, 106>>},
     {"a list without its tail", <<108, 1:32, 97, 1>>},
     {"a string that is cut", <<107, 500:16, "abc">>},
     {"a binary of 2^32 - 1", <<109, 16#ffffffff:32, "abc">>},
     {"bits of 0 bytes", <<77, 0:32, 3>>},
     {"bits of 0 bits in the last byte", <<77, 1:32, 0, 1>>},
     {"bits of 9 bits in the last byte", <<77, 1:32, 9, 1>>},
     {"a map of 2^32 - 1", <<116, 16#ffffffff:32, 97, 1>>},
     {"a map with half a pair", <<116, 1:32, 97, 1>>},
     {"a number that is cut", <<98, 1, 2>>},
     {"a big number that is cut", <<110, 200, 0, 1, 2, 3>>},
     {"a big number of 2^32 - 1 bytes", <<111, 16#ffffffff:32, 0, 1>>},
     {"NaN", <<70, 16#7ff8:16, 0:48>>},
     {"an infinity", <<70, 16#7ff0:16, 0:48>>},
     {"a float of text that is none", <<99, "not a float at all.............">>},
     {"a float of text that overflows", <<99, "1.00000000000000000000e+999", 0:32>>},
     {"an atom of 256 characters", <<118, 256:16, (binary:copy(<<"a">>, 256))/binary>>},
     {"an atom of no UTF-8", <<119, 2, 255, 255>>},
     {"an atom that is too long in UTF-8", <<119, 2, 16#c0, 16#80>>},
     {"an atom past Unicode", <<119, 4, 16#f4, 16#90, 16#80, 16#80>>},
     {"an atom that is cut", <<118, 50:16, "abc">>},
     {"a Latin-1 atom of 300", <<100, 300:16, (binary:copy(<<233>>, 300))/binary>>},
     {"a cache reference without a cache", <<82, 0>>},
     {"a pid whose node is a number", <<88, 97, 1, 0:96>>},
     {"a pid that is cut", <<88, Atom/binary, 0:64>>},
     {"a port that is cut", <<89, Atom/binary, 0:32>>},
     {"a reference of 6 words", <<90, 6:16, Atom/binary, 0:32, 0:192>>},
     {"a reference of 65535 words", <<90, 65535:16, Atom/binary, 0:32, 0:192>>},
     {"an old fun", <<117, 0:32, 88, Atom/binary, 0:96, Atom/binary, 97, 0, 97, 0>>},
     {"a fun with 2^32 - 1 free variables",
      <<112, 50:32, 0, 0:128, 0:32, 16#ffffffff:32, Atom/binary, 97, 0, 97, 0, 88, Atom/binary,
        0:96>>},
     {"a fun whose pid is an atom", <<112, 50:32, 0, 0:128, 0:32, 0:32, Atom/binary, 97, 0, 97, 0,
                                      Atom/binary>>},
     {"a fun that is cut", <<112, 50:32, 0, 0:64>>},
     {"an export without an arity", <<113, Atom/binary, Atom/binary>>},
     {"an export with an arity of text", <<113, Atom/binary, Atom/binary, Atom/binary>>},
     {"a LOCAL_EXT", <<121, 0:32, 97, 1>>},
     {"a record with odd flags", <<67, 1:32, 7, Atom/binary, Atom/binary, Atom/binary, 97, 1>>},
     {"a record of 2^32 - 1 fields", <<67, 16#ffffffff:32, 1, Atom/binary, Atom/binary>>},
     {"900 KB of tuples that never end", binary:copy(<<104, 1>>, 450000)},
     {"900 KB of lists that never end", binary:copy(<<108, 0, 0, 0, 1>>, 180000)}].

odd() ->
    Deep = fun(Open, Close, Count) ->
        <<(binary:copy(Open, Count))/binary, 106, (binary:copy(Close, Count))/binary>>
    end,
    [{"bytes behind a term are ignored", <<97, 1, "and more">>},
     {"tuples 400000 deep are taken", Deep(<<104, 1>>, <<>>, 400000)},
     {"lists 150000 deep are taken", Deep(<<108, 1:32>>, <<106>>, 150000)},
     {"maps 90000 deep are taken", Deep(<<116, 1:32, 97, 1>>, <<>>, 90000)},
     {"improper tails 130000 deep are taken", Deep(<<108, 1:32, 97, 1>>, <<>>, 130000)},
     {"calls with tags 100000 deep are taken",
      <<104, 3, (enc('$gen_call'))/binary, 104, 2, (enc(pid("gone@127.0.0.1")))/binary,
        (Deep(<<104, 1>>, <<>>, 100000))/binary, 97, 1>>},
     {"an integer of 200 KB is taken", <<111, 200000:32, 0, (binary:copy(<<255>>, 200000))/binary>>},
     {"a cast of an integer of 200 KB is taken",
      <<104, 2, (enc('$gen_cast'))/binary, 111, 200000:32, 1, (binary:copy(<<255>>, 200000))/binary>>},
     {"references of no words are taken", <<90, 0:16, 119, 1, "h", 0:32>>},
     {"Latin-1 atoms are taken", <<100, 3:16, "a", 233, "b">>},
     {"maps with one key twice cost no node", <<116, 2:32, 97, 1, 97, 2, 97, 1, 97, 3>>},
     {"empty strings and lists are taken", <<104, 2, 107, 0:16, 108, 0:32, 97, 1>>}].
