# SPDX-License-Identifier: Apache-2.0
# The language and the warnings, in one place; every target links ferry_options.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG")

find_package(Threads REQUIRED)
add_library(ferry_options INTERFACE)
target_include_directories(ferry_options INTERFACE ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src)
target_compile_definitions(ferry_options INTERFACE _POSIX_C_SOURCE=200809L _FILE_OFFSET_BITS=64)
target_compile_options(ferry_options INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wpointer-arith -Wvla -Wno-missing-field-initializers
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes>
  -fno-math-errno -fno-trapping-math -ffp-contract=off)
target_link_libraries(ferry_options INTERFACE Threads::Threads m)

if(FERRY_FUZZ)
  target_compile_options(ferry_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(FERRY_SANITIZE)
  target_compile_options(ferry_options INTERFACE -fsanitize=${FERRY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(ferry_options INTERFACE -fsanitize=${FERRY_SANITIZE})
endif()

# ferry_module(NAME file...): one folder of src/ as an OBJECT library. Libraries and tests link the modules they need.
function(ferry_module name)
  add_library(ferry_${name} OBJECT ${ARGN})
  target_link_libraries(ferry_${name} PUBLIC ferry_options)
  set_property(GLOBAL APPEND PROPERTY FERRY_MODULES ferry_${name})
endfunction()
