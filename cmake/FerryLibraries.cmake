# SPDX-License-Identifier: Apache-2.0
# The libraries that programs link, made of the modules of src/. Each stands alone and shows nothing but the FERRY_API functions:
#   ferry        engines, contexts, predictors: what a device needs
#   ferry-build  all of that, and the compiler (ONNX, passes): a program links the one or the other
#   ferry-media  pictures, video, drawing; with FERRY_MEDIA
set(FERRY_RUN_MODULES ferry_base ferry_tensor ferry_ops ferry_engine ferry_backend ferry_runtime ferry_vision ferry_sdk)
foreach(set IN LISTS FERRY_KERNEL_SETS)
  string(TOLOWER ${set} lower)
  list(APPEND FERRY_RUN_MODULES ferry_kernels_${lower})
endforeach()
set(FERRY_BUILD_MODULES ${FERRY_RUN_MODULES} ferry_ir ferry_onnx ferry_passes ferry_compile ferry_sdk_build)
set(FERRY_MEDIA_MODULES ferry_base ferry_tensor ferry_media)

# ferry_library(NAME DESCRIPTION REQUIRES modules...): libNAME.so and NAME.pc. REQUIRES: libraries of others, for static linking.
function(ferry_library name description requires)
  add_library(${name} SHARED)
  target_link_libraries(${name} PRIVATE ${ARGN})
  target_link_options(${name} PRIVATE -Wl,--no-undefined)
  set_target_properties(${name} PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0 LINKER_LANGUAGE C
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
  set(FERRY_PC_NAME ${name})
  set(FERRY_PC_DESCRIPTION ${description})
  set(FERRY_PC_REQUIRES ${requires})
  configure_file(${CMAKE_SOURCE_DIR}/cmake/ferry.pc.in ${CMAKE_BINARY_DIR}/lib/${name}.pc @ONLY)
  install(TARGETS ${name} LIBRARY DESTINATION lib)
  install(FILES ${CMAKE_BINARY_DIR}/lib/${name}.pc DESTINATION lib/pkgconfig)
endfunction()

if(NOT FERRY_SANITIZE AND NOT FERRY_FUZZ)
  ferry_library(ferry "Runs trained models" "" ${FERRY_RUN_MODULES})
  ferry_library(ferry-build "Converts and runs trained models" "" ${FERRY_BUILD_MODULES})
  if(FERRY_MEDIA)
    ferry_library(ferry-media "Pictures, video and drawing" "libavformat libavcodec libavutil libswscale libjpeg spng freetype2"
      ${FERRY_MEDIA_MODULES})
  endif()
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/ferry DESTINATION include FILES_MATCHING PATTERN "*.h")
endif()
